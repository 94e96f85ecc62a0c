/**
 * Layers that slide a window over an image: Conv2d and pooling; see dense.js.
 *
 * Images are (channels, rows, columns). A run is a piece of an output's row: all its numbers meet
 * the same place of the window.
 */

import { size } from "./arrays.js";

/** Return the runs of a layer: place in the window, first output, first input, and length. */
function runsOf({ shape, input, options: { kernel, stride, padding } }) {
  const runs = [];
  const [height, width] = input.slice(1);
  const [rows, columns] = shape.slice(1);
  for (let place = 0; place < kernel[0] * kernel[1]; place++) {
    const down = Math.floor(place / kernel[1]) - padding[0];
    const right = (place % kernel[1]) - padding[1];
    const first = Math.max(0, Math.ceil(-right / stride[1]));
    const end = Math.min(columns, Math.floor((width - 1 - right) / stride[1]) + 1);
    for (let row = 0; row < rows; row++) {
      const from = row * stride[0] + down;
      if (from < 0 || from >= height || end <= first) continue;
      const start = from * width + first * stride[1] + right;
      runs.push({ place, out: row * columns + first, start, length: end - first });
    }
  }
  return runs;
}

/**
 * Call visit(weight, out, start, length) for every run of every pair of channels of a convolution:
 * one weight, and the first of the outputs and of the inputs that it connects.
 */
function eachRun(layer, visit) {
  const [[units, ...places], [count, ...image]] = [layer.shape, layer.input];
  const [window, area, plane] = [layer.options.kernel, image, places].map(([a, b]) => a * b);
  layer.runs ??= runsOf(layer);
  for (let unit = 0; unit < units; unit++) {
    for (let channel = 0; channel < count; channel++) {
      const weight = (unit * count + channel) * window;
      for (const { place, out, start, length } of layer.runs) {
        visit(weight + place, unit * plane + out, channel * area + start, length);
      }
    }
  }
}

const conv2d = {
  forward(layer, x) {
    const [units, rows, columns] = layer.shape;
    const [sums, step] = [new Float64Array(units * rows * columns), layer.options.stride[1]];
    layer.bias?.forEach((bias, i) => sums.fill(bias, i * rows * columns, (i + 1) * rows * columns));
    eachRun(layer, (at, out, start, length) => {
      const weight = layer.weight[at];
      for (let i = 0; i < length; i++) sums[out + i] += weight * x[start + i * step];
    });
    return Float32Array.from(sums);
  },
  backward(layer, x, y, grad) {
    const [sums, step] = [new Float64Array(x.length), layer.options.stride[1]];
    eachRun(layer, (at, out, start, length) => {
      const weight = layer.weight[at];
      for (let i = 0; i < length; i++) sums[start + i * step] += weight * grad[out + i];
    });
    return Float32Array.from(sums);
  },
  gradients(layer, x, grad) {
    const [sums, step] = [new Float64Array(layer.weight.length), layer.options.stride[1]];
    eachRun(layer, (at, out, start, length) => {
      for (let i = 0; i < length; i++) sums[at] += x[start + i * step] * grad[out + i];
    });
    const weight = Float32Array.from(sums);
    if (!layer.bias) return { weight };
    const plane = layer.shape[1] * layer.shape[2];
    const sumOf = (unit) => grad.subarray(unit * plane, (unit + 1) * plane).reduce((a, b) => a + b);
    return { weight, bias: layer.bias.map((_, unit) => sumOf(unit)) };
  },
};

/** Return the input that is the largest of each output's window, the first among equals. */
function largest(layer, x) {
  const where = new Int32Array(size(layer.shape)).fill(-1);
  eachOfChannels(layer, (out, i) => {
    if (where[out] < 0 || x[i] > x[where[out]]) where[out] = i;
  });
  return where;
}

/** Call visit(output, input) for every number that a window sees, channel by channel. */
function eachOfChannels(layer, visit) {
  const [count, rows, columns] = layer.shape;
  const step = layer.options.stride[1];
  layer.runs ??= runsOf(layer);
  for (let channel = 0; channel < count; channel++) {
    const [to, from] = [channel * rows * columns, channel * layer.input[1] * layer.input[2]];
    for (const { out, start, length } of layer.runs) {
      for (let i = 0; i < length; i++) visit(to + out + i, from + start + i * step);
    }
  }
}

const maxPool = {
  forward: (layer, x) => Float32Array.from(largest(layer, x), (i) => x[i]),
  backward(layer, x, y, grad) {
    const sums = new Float64Array(x.length);
    largest(layer, x).forEach((i, out) => (sums[i] += grad[out]));
    return Float32Array.from(sums);
  },
};

/** Pooling by means. eachShare(layer, visit): visit(output, input, the input's share). */
function average(eachShare) {
  return {
    forward(layer, x) {
      const sums = new Float64Array(size(layer.shape));
      eachShare(layer, (out, i, share) => (sums[out] += share * x[i]));
      return Float32Array.from(sums);
    },
    backward(layer, x, y, grad) {
      const sums = new Float64Array(x.length);
      eachShare(layer, (out, i, share) => (sums[i] += share * grad[out]));
      return Float32Array.from(sums);
    },
  };
}

function eachShareOfWindow(layer, visit) {
  const share = 1 / (layer.options.kernel[0] * layer.options.kernel[1]);
  eachOfChannels(layer, (out, x) => visit(out, x, share));
}

function eachShareOfAdaptive({ shape: [count, ...places], input: [, ...image] }, visit) {
  const span = (i, axis) => [
    Math.floor((i * image[axis]) / places[axis]), Math.ceil(((i + 1) * image[axis]) / places[axis]),
  ];
  for (let out = 0; out < count * places[0] * places[1]; out++) {
    const channel = Math.floor(out / (places[0] * places[1]));
    const [top, bottom] = span(Math.floor(out / places[1]) % places[0], 0);
    const [left, right] = span(out % places[1], 1);
    const share = 1 / ((bottom - top) * (right - left));
    for (let row = top; row < bottom; row++) {
      const start = (channel * image[0] + row) * image[1];
      for (let column = left; column < right; column++) visit(out, start + column, share);
    }
  }
}

export const WINDOWS = {
  conv2d,
  max_pool2d: maxPool,
  avg_pool2d: average(eachShareOfWindow),
  adaptive_avg_pool2d: average(eachShareOfAdaptive),
};
