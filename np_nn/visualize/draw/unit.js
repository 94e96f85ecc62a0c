/** One unit in numbers: the terms of its value, its gradient, and the change of the next step. */

import { size } from "./arrays.js";
import { written } from "./maps.js";

const MINUS = "\u2212";

/**
 * Return {title, pictures, lines} of a unit; a picture is {title, shape, values}.
 *
 * passes: of `Network`, with or without gradients. stage: 0 is the input, then the layers, then
 * the probabilities. rate: the learning rate.
 */
export function explain(network, passes, stage, unit, rate) {
  const layer = network.layers[stage - 1];
  const letter = stage ? (layer?.letter ?? "p") : "x";
  const value = written((passes.values[stage] ?? passes.probabilities)[unit]);
  const own = made(network, passes, stage, unit);
  const lines = own.sums.map((sum) => `${letter} = ${sum}`);
  lines.push(own.last ? `${letter} = ${own.last} = ${value}` : `${letter} = ${value}`);
  const pictures = own.pictures ?? [];
  const grad = passes.grads?.[stage]?.[unit];
  if (grad !== undefined) {
    lines.push(`\u2202L/\u2202${letter} = ${written(grad)}: ${meaning(grad)}`);
    const gradients = layer?.weight && network.gradients(passes, stage - 1);
    if (gradients) learn(gradients, layer, own, rate, pictures, lines);
  }
  return { title: `${letter}, ${nameOf(network, stage, unit)}`, pictures, lines };
}

/** Return the name of a unit of a stage. */
export function nameOf({ facts, layers }, stage, unit) {
  const shape = stage ? layers[stage - 1]?.shape : facts.shape;
  if (stage >= layers.length) return `class ${facts.classes[unit]}`;
  if (shape.length === 1) return `unit ${unit}`;
  const [, height, width] = shape;
  const place = `row ${Math.floor(unit / width) % height}, column ${unit % width}`;
  return stage ? `channel ${Math.floor(unit / (width * height))}, ${place}` : `pixel in ${place}`;
}

function meaning(grad) {
  if (grad === 0) return "a small change of it does not change the loss";
  return `more of it means ${grad > 0 ? "more" : "less"} loss`;
}

/** Return {sums, last, ...}: formulas, the last one in numbers; with weights, also pictures. */
function made({ facts, layers }, { values }, stage, unit) {
  if (!stage) {
    const { scale, shift } = facts.preparation;
    const plus = shift ? ` + ${bracketed(shift)}` : "";
    return { sums: [`${written(scale)} \u00b7 ink${plus}, ink from 0 to 255`] };
  }
  if (stage > layers.length) {
    const z = written(values.at(-1)[unit]);
    return { sums: [`exp(z) / sum of exp(z) of all classes, here z = ${z}`] };
  }
  const [layer, x] = [layers[stage - 1], values[stage - 1]];
  const before = layers[stage - 2]?.letter ?? "x";
  if (layer.kind === "linear") return linear(layer, x, unit, before);
  if (layer.kind === "conv2d") return convolution(layer, x, unit, before);
  if (layer.kind === "batch_norm") return normalized(layer, x, unit, before);
  const rule = layer.forward.slice(layer.forward.indexOf("= ") + 2);
  const same = x.length === values[stage].length;
  return { sums: [same ? `${rule}, here ${before} = ${written(x[unit])}` : rule] };
}

function linear({ weight, bias, input, shape: [units] }, x, unit, before) {
  const index = Int32Array.from(x, (_, i) => i * units + unit);
  return weighted({ weight, bias, index, inputs: x, shape: input, unit }, before);
}

/** Explain a unit of a convolution: the weights of its channel, and its window of the input. */
function convolution({ weight, bias, input, shape, options, seen }, x, place, before) {
  const [plane, area, window] = [shape.slice(1), input.slice(1), options.kernel].map(size);
  const unit = Math.floor(place / plane);
  const count = input[0] * window;
  const inputs = new Float32Array(count); // 0 outside the image
  seen.out.forEach((out, i) => {
    if (out !== place % plane) return;
    for (let channel = 0; channel < input[0]; channel++) {
      inputs[channel * window + seen.place[i]] = x[channel * area + seen.at[i]];
    }
  });
  const index = Int32Array.from(inputs, (_, i) => unit * count + i);
  const window3d = [input[0], ...options.kernel];
  return weighted({ weight, bias, index, inputs, shape: window3d, unit }, before);
}

function weighted({ weight, bias, index, inputs, shape, unit }, before) {
  const w = Float32Array.from(index, (at) => weight[at]);
  const sum = inputs.reduce((total, value, i) => total + value * w[i], 0);
  const pictures = [
    { title: "weights w", shape, values: w },
    { title: `${before} \u00b7 w`, shape, values: w.map((value, i) => value * inputs[i]) },
  ];
  const sums = [`sum of ${before} \u00b7 w over ${w.length} inputs${bias ? ", + b" : ""}`];
  const last = bias && `${written(sum)} + ${bracketed(bias[unit])}`;
  return { sums, last, pictures, index, shape, unit };
}

function normalized(layer, x, place, before) {
  const unit = Math.floor((place * layer.running_mean.length) / x.length);
  const deviation = written(Math.sqrt(layer.running_var[unit] + layer.options.eps));
  const [mean, weight, bias] = [layer.running_mean, layer.weight, layer.bias].map((array, i) =>
    bracketed(array?.[unit] ?? (i === 1 ? 1 : 0)),
  );
  return {
    sums: [`(${before} ${MINUS} mean) / deviation \u00b7 weight + bias`],
    last: `(${written(x[place])} ${MINUS} ${mean}) / ${deviation} \u00b7 ${weight} + ${bias}`,
    index: [unit],
    unit,
  };
}

/** Add the next step: pictures of its weight changes, and the arithmetic of the largest one. */
function learn(gradients, layer, { index, shape, unit }, rate, pictures, lines) {
  const grads = Float32Array.from(index, (at) => gradients.weight[at]);
  const most = grads.reduce((best, g, i) => (Math.abs(g) > Math.abs(grads[best]) ? i : best), 0);
  if (grads[most] === 0) {
    lines.push("Its weights do not change: it learns nothing from this picture.");
    return;
  }
  if (shape) {
    pictures.push({ title: "\u2202L/\u2202w", shape, values: grads });
    pictures.push({ title: "change of w", shape, values: grads.map((grad) => -rate * grad) });
  }
  const step = (name, value, grad) =>
    `${name} \u2190 ${written(value)} ${MINUS} ${written(rate)} \u00b7 ${bracketed(grad)} ` +
    `= ${written(value - rate * grad)}`;
  lines.push(grads.length > 1 ? "A step changes this weight most:" : "A step:");
  lines.push(step("w", layer.weight[index[most]], grads[most]));
  if (layer.bias) lines.push(step("b", layer.bias[unit], gradients.bias[unit]));
}

function bracketed(value) {
  return value < 0 ? `(${written(value)})` : written(value);
}
