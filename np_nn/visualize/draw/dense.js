/**
 * Layers without windows: Linear, activations, batch normalization.
 *
 * Each has forward(layer, x) and backward(layer, x, y, grad), which returns the gradient of x; a
 * layer with parameters also has gradients(layer, x, grad). Sums are float64, results are rounded
 * to float32. The formulas are those of np_nn/reference/.
 */

import { size } from "./arrays.js";

const HEIGHT = 1.7159;
const STEEPNESS = 2 / 3;

const linear = {
  forward({ weight, bias, shape: [units] }, x) {
    const sums = bias ? Float64Array.from(bias) : new Float64Array(units);
    x.forEach((value, i) => {
      if (value === 0) return;
      for (let unit = 0; unit < units; unit++) sums[unit] += value * weight[i * units + unit];
    });
    return Float32Array.from(sums);
  },
  backward({ weight, shape: [units] }, x, y, grad) {
    return x.map((_, i) => {
      let sum = 0;
      for (let unit = 0; unit < units; unit++) sum += weight[i * units + unit] * grad[unit];
      return sum;
    });
  },
  gradients({ weight, bias, shape: [units] }, x, grad) {
    const products = weight.map((_, i) => x[Math.floor(i / units)] * grad[i % units]);
    return bias ? { weight: products, bias: grad.slice() } : { weight: products };
  },
};

/** Batch normalization in evaluation mode: the running mean and variance are constants. */
const batchNorm = {
  forward(layer, x) {
    const { scale, bias, mean, unit } = channels(layer, x);
    return x.map((value, i) => (value - mean[unit(i)]) * scale(unit(i)) + (bias?.[unit(i)] ?? 0));
  },
  backward(layer, x, y, grad) {
    const { scale, unit } = channels(layer, x);
    return grad.map((value, i) => value * scale(unit(i)));
  },
  gradients(layer, x, grad) {
    const { weight, mean, deviation, unit } = channels(layer, x);
    if (!weight) return {};
    const sums = { weight: new Float64Array(weight.length), bias: new Float64Array(weight.length) };
    grad.forEach((value, i) => {
      sums.weight[unit(i)] += (value * (x[i] - mean[unit(i)])) / deviation(unit(i));
      sums.bias[unit(i)] += value;
    });
    return { weight: Float32Array.from(sums.weight), bias: Float32Array.from(sums.bias) };
  },
};

function channels({ weight, bias, running_mean: mean, running_var, options }, x) {
  const places = x.length / mean.length;
  const deviation = (unit) => Math.sqrt(running_var[unit] + options.eps);
  const scale = (unit) => (weight?.[unit] ?? 1) / deviation(unit);
  return { weight, bias, mean, deviation, scale, unit: (i) => Math.floor(i / places) };
}

/** Return an elementwise layer y = f(x); derivative: in terms of x and y. */
function pointwise(f, derivative) {
  return {
    forward: ({ options }, x) => x.map((value) => f(value, ...options.settings)),
    backward: ({ options }, x, y, grad) =>
      grad.map((value, i) => value * derivative(x[i], y[i], ...options.settings)),
  };
}

const sigmoid = (x) => 1 / (1 + Math.exp(-x));

/** Normal distribution function, to 1e-7: Abramowitz and Stegun 1964, 26.2.17. */
function normal(x) {
  const t = 1 / (1 + 0.2316419 * Math.abs(x));
  const factors = [0.31938153, -0.356563782, 1.781477937, -1.821255978, 1.330274429];
  const tail = density(x) * factors.reduceRight((sum, factor) => (sum + factor) * t, 0);
  return x < 0 ? tail : 1 - tail;
}

function density(x) {
  return Math.exp((x * x) / -2) / Math.sqrt(2 * Math.PI);
}

/** Return the probabilities of logits, as a Float32Array. */
export function softmax(z) {
  const largest = z.reduce((a, b) => Math.max(a, b), -Infinity);
  const powers = Array.from(z, (value) => Math.exp(value - largest));
  const sum = powers.reduce((a, b) => a + b);
  return Float32Array.from(powers, (value) => value / sum);
}

const sumOf = (f, count) => Array.from({ length: count }, (_, i) => f(i)).reduce((a, b) => a + b);

export const DENSE = {
  linear,
  batch_norm: batchNorm,
  relu: pointwise((x) => Math.max(x, 0), (x) => (x > 0 ? 1 : 0)),
  leaky_relu: pointwise(
    (x, slope) => (x > 0 ? x : slope * x),
    (x, y, slope) => (x > 0 ? 1 : slope),
  ),
  elu: pointwise(
    (x, alpha) => (x > 0 ? x : alpha * Math.expm1(x)),
    (x, y, alpha) => (x > 0 ? 1 : alpha * Math.exp(x)),
  ),
  gelu: pointwise((x) => x * normal(x), (x) => normal(x) + x * density(x)),
  silu: pointwise((x) => x * sigmoid(x), (x) => sigmoid(x) * (1 + x * (1 - sigmoid(x)))),
  sigmoid: pointwise(sigmoid, (x, y) => y * (1 - y)),
  tanh: pointwise(Math.tanh, (x, y) => 1 - y * y),
  scaled_tanh: pointwise(
    (x) => HEIGHT * Math.tanh(STEEPNESS * x),
    (x, y) => STEEPNESS * (HEIGHT - (y * y) / HEIGHT),
  ),
  softmax: {
    forward: (layer, x) => softmax(x),
    backward(layer, x, y, grad) {
      const mean = sumOf((i) => grad[i] * y[i], y.length);
      return y.map((value, i) => value * (grad[i] - mean));
    },
  },
  log_softmax: {
    forward(layer, x) {
      const largest = Math.max(...x);
      const log = largest + Math.log(sumOf((i) => Math.exp(x[i] - largest), x.length));
      return x.map((value) => value - log);
    },
    backward(layer, x, y, grad) {
      const sum = sumOf((i) => grad[i], size(layer.shape));
      return grad.map((value, i) => value - Math.exp(y[i]) * sum);
    },
  },
};
