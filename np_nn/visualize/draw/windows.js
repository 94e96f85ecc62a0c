/** Layers with windows on an image (channels, rows, columns): Conv2d and pooling. */

import { size } from "./arrays.js";

/**
 * Return the inputs in each window of one channel as parallel arrays: index of the output (out)
 * and of the input (at), place in the window, and share in the window's mean. Sorted by output,
 * then by place.
 */
function connections({ shape, input, options: { kernel, stride, padding } }) {
  const [[, ...outputs], [, ...image]] = [shape, input];
  const span = (i, axis) => {
    const [from, to] = [image[axis], outputs[axis]];
    if (!kernel) return [Math.floor((i * from) / to), Math.ceil(((i + 1) * from) / to)]; // adaptive
    return [i * stride[axis] - padding[axis], i * stride[axis] - padding[axis] + kernel[axis]];
  };
  const seen = { out: [], at: [], place: [], share: [] };
  for (let out = 0; out < outputs[0] * outputs[1]; out++) {
    const [top, bottom] = span(Math.floor(out / outputs[1]), 0);
    const [left, right] = span(out % outputs[1], 1);
    const area = (bottom - top) * (right - left);
    for (let place = 0; place < area; place++) {
      const row = top + Math.floor(place / (right - left));
      const column = left + (place % (right - left));
      if (row < 0 || row >= image[0] || column < 0 || column >= image[1]) continue;
      const one = { out, at: row * image[1] + column, place, share: 1 / area };
      for (const [name, value] of Object.entries(one)) seen[name].push(value);
    }
  }
  const kinds = { out: Int32Array, at: Int32Array, place: Int32Array, share: Float64Array };
  const packed = Object.entries(kinds).map(([name, kind]) => [name, new kind(seen[name])]);
  return Object.fromEntries(packed);
}

/** Call visit(weight, to, from, seen) for each pair of channels of a convolution. */
function eachPair(layer, visit) {
  const [[units, ...outputs], [count, ...image]] = [layer.shape, layer.input];
  const [plane, area, window] = [outputs, image, layer.options.kernel].map(size);
  layer.seen ??= connections(layer);
  for (let pair = 0; pair < units * count; pair++) {
    visit(pair * window, Math.floor(pair / count) * plane, (pair % count) * area, layer.seen);
  }
}

const conv2d = {
  forward(layer, x) {
    const plane = layer.shape[1] * layer.shape[2];
    const sums = new Float64Array(size(layer.shape));
    layer.bias?.forEach((bias, unit) => sums.fill(bias, unit * plane, (unit + 1) * plane));
    eachPair(layer, (weight, to, from, { out, at, place }) => {
      for (let i = 0; i < out.length; i++) {
        sums[to + out[i]] += layer.weight[weight + place[i]] * x[from + at[i]];
      }
    });
    return Float32Array.from(sums);
  },
  backward(layer, x, y, grad) {
    const sums = new Float64Array(x.length);
    eachPair(layer, (weight, to, from, { out, at, place }) => {
      for (let i = 0; i < out.length; i++) {
        sums[from + at[i]] += layer.weight[weight + place[i]] * grad[to + out[i]];
      }
    });
    return Float32Array.from(sums);
  },
  gradients(layer, x, grad) {
    const sums = new Float64Array(layer.weight.length);
    eachPair(layer, (weight, to, from, { out, at, place }) => {
      for (let i = 0; i < out.length; i++) {
        sums[weight + place[i]] += x[from + at[i]] * grad[to + out[i]];
      }
    });
    const plane = layer.shape[1] * layer.shape[2];
    const sumOf = (unit) => grad.subarray(unit * plane, (unit + 1) * plane).reduce((a, b) => a + b);
    const bias = layer.bias?.map((_, unit) => sumOf(unit));
    return { weight: Float32Array.from(sums), ...(bias && { bias }) };
  },
};

/** Call visit(output, input, share) for every input of each pooling window. */
function each(layer, visit) {
  const [[count, ...outputs], [, ...image]] = [layer.shape, layer.input];
  const { out, at, share } = (layer.seen ??= connections(layer));
  for (let channel = 0; channel < count; channel++) {
    const [to, from] = [channel * size(outputs), channel * size(image)];
    for (let i = 0; i < out.length; i++) visit(to + out[i], from + at[i], share[i]);
  }
}

/** Return the index of the largest input in each output's window, the first among equals. */
function largest(layer, x) {
  const where = new Int32Array(size(layer.shape)).fill(-1);
  each(layer, (out, i) => (where[out] < 0 || x[i] > x[where[out]]) && (where[out] = i));
  return where;
}

const maxPool = {
  forward: (layer, x) => Float32Array.from(largest(layer, x), (i) => x[i]),
  backward(layer, x, y, grad) {
    const sums = new Float64Array(x.length);
    largest(layer, x).forEach((i, out) => (sums[i] += grad[out]));
    return Float32Array.from(sums);
  },
};

const averagePool = {
  forward(layer, x) {
    const sums = new Float64Array(size(layer.shape));
    each(layer, (out, i, share) => (sums[out] += share * x[i]));
    return Float32Array.from(sums);
  },
  backward(layer, x, y, grad) {
    const sums = new Float64Array(x.length);
    each(layer, (out, i, share) => (sums[i] += share * grad[out]));
    return Float32Array.from(sums);
  },
};

export const WINDOWS = {
  conv2d, max_pool2d: maxPool, avg_pool2d: averagePool, adaptive_avg_pool2d: averagePool,
};
