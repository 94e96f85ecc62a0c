/**
 * Layers that slide a window over an image: Conv2d and pooling; see dense.js.
 *
 * Images are (channels, rows, columns). A run is a piece of an output's row: all its numbers meet
 * the same place of the window.
 */

/** Return the runs of a layer: place in the window, first output, first input, and length. */
export function runsOf({ shape, input, options: { kernel, stride, padding } }) {
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

/** Call visit(place, output, input) for every number of a channel's image that a window sees. */
function each(layer, visit) {
  const step = layer.options.stride[1];
  for (const { place, out, start, length } of (layer.runs ??= runsOf(layer))) {
    for (let i = 0; i < length; i++) visit(place, out + i, start + i * step);
  }
}

/** Call visit(weight, output, input) for every product of a convolution. */
function eachProduct(layer, visit) {
  const [[units, ...places], [count, ...image]] = [layer.shape, layer.input];
  const [window, area, plane] = [layer.options.kernel, image, places].map(([a, b]) => a * b);
  for (let unit = 0; unit < units; unit++) {
    for (let channel = 0; channel < count; channel++) {
      const weight = (unit * count + channel) * window;
      const [to, from] = [unit * plane, channel * area];
      each(layer, (place, out, x) => visit(weight + place, to + out, from + x));
    }
  }
}

const conv2d = {
  forward(layer, x) {
    const plane = layer.shape[1] * layer.shape[2];
    const sums = new Float64Array(layer.shape[0] * plane);
    if (layer.bias) sums.forEach((_, i) => (sums[i] = layer.bias[Math.floor(i / plane)]));
    eachProduct(layer, (weight, out, i) => (sums[out] += layer.weight[weight] * x[i]));
    return Float32Array.from(sums);
  },
  backward(layer, x, y, grad) {
    const sums = new Float64Array(x.length);
    eachProduct(layer, (weight, out, i) => (sums[i] += layer.weight[weight] * grad[out]));
    return Float32Array.from(sums);
  },
  gradients(layer, x, grad) {
    const sums = new Float64Array(layer.weight.length);
    eachProduct(layer, (weight, out, i) => (sums[weight] += x[i] * grad[out]));
    const weight = Float32Array.from(sums);
    if (!layer.bias) return { weight };
    const biases = new Float64Array(layer.bias.length);
    const plane = layer.shape[1] * layer.shape[2];
    grad.forEach((value, i) => (biases[Math.floor(i / plane)] += value));
    return { weight, bias: Float32Array.from(biases) };
  },
};

/** Return the input that is the largest of each output's window, the first among equals. */
function largest(layer, x) {
  const where = new Int32Array(layer.shape.reduce((a, b) => a * b)).fill(-1);
  eachOfChannels(layer, (out, i) => {
    if (where[out] < 0 || x[i] > x[where[out]]) where[out] = i;
  });
  return where;
}

function eachOfChannels(layer, visit) {
  const plane = layer.shape[1] * layer.shape[2];
  const area = layer.input[1] * layer.input[2];
  for (let channel = 0; channel < layer.shape[0]; channel++) {
    each(layer, (_, out, x) => visit(channel * plane + out, channel * area + x));
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
      const sums = new Float64Array(layer.shape.reduce((a, b) => a * b));
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
