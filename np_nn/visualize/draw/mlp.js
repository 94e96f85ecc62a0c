/**
 * A multilayer perceptron as trained by the driver: {widths, activation, weights, classes, scale,
 * shift}.
 *
 * activation: its number in kernels/wasm/driver.h. weights: one Float32Array with the weight
 * (inputs, outputs) and then the bias of each layer.
 */

export const ACTIVATIONS = [
  { type: null, kind: null },
  { type: "ReLU", kind: "relu" },
  { type: "Sigmoid", kind: "sigmoid" },
  { type: "Tanh", kind: "tanh" },
  { type: "ScaledTanh", kind: "scaled_tanh" },
];

/** Return [{weight, bias, inputs, outputs}] of the layers, as views of the weights. */
export function linears({ widths, weights }) {
  let at = 0;
  const next = (count) => weights.subarray(at, (at += count));
  return widths.slice(1).map((outputs, i) => {
    const inputs = widths[i];
    return { weight: next(inputs * outputs), bias: next(outputs), inputs, outputs };
  });
}

/** Return the transpose of a matrix. */
export function transposed(matrix, rows, columns) {
  const turned = new Float32Array(matrix.length);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) turned[j * rows + i] = matrix[i * columns + j];
  }
  return turned;
}

/** Return {facts, arrays} for `Network`, with the words of np_nn/visualize/story.py. */
export function described(model, rate) {
  const { type, kind } = ACTIVATIONS[model.activation];
  const all = linears(model);
  const [layers, arrays] = [[], all.flatMap(({ weight, bias }) => [weight.slice(), bias.slice()])];
  const sub = (i, count) => (count > 1 ? String.fromCharCode(0x2080 + i + 1) : "");
  let before = "x";
  all.forEach(({ inputs, outputs }, i) => {
    const last = i === all.length - 1;
    const own = sub(i, all.length);
    const letter = last ? "z" : `h${sub(i, all.length - 1)}`;
    layers.push({
      kind: "linear", title: `Linear(${inputs}, ${outputs})`, letter, shape: [outputs],
      forward: `${letter} = ${before} W${own} + b${own}`,
      backward: `= \u2202L/\u2202${letter} W${own}\u1d40`,
      arrays: { weight: 2 * i, bias: 2 * i + 1 }, options: {},
    });
    before = letter;
    if (last || !kind) return;
    before = `a${sub(i, all.length - 1)}`;
    layers.push({
      kind, title: type, letter: before, shape: [outputs], options: { settings: [] }, arrays: {},
      ...rules(kind, type, letter, before),
    });
  });
  const { classes, scale, shift } = model;
  const preparation = { scale, shift, deskew: false };
  return { facts: { classes, rate, shape: [1, 28, 28], layers, preparation }, arrays };
}

function rules(kind, type, from, to) {
  return kind === "relu"
    ? { forward: `${to} = max(${from}, 0)`, backward: `= \u2202L/\u2202${to} if ${from} > 0` }
    : { forward: `${to} = ${type}(${from})`, backward: `through ${type}` };
}
