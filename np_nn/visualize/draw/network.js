/** A network: a chain of layers, both passes of one picture, and steps of gradient descent. */

import { readArrays } from "./arrays.js";
import { DENSE, softmax } from "./dense.js";
import { WINDOWS } from "./windows.js";

const KINDS = { ...DENSE, ...WINDOWS };

export class Network {
  /** facts: from np_nn/visualize/draw/description.py. arrays: its arrays, if not in base64. */
  constructor(facts, arrays = readArrays(facts)) {
    Object.assign(this, { facts, arrays });
    this.layers = facts.layers.map((layer, i) => {
      const owned = Object.entries(layer.arrays).map(([name, at]) => [name, this.arrays[at]]);
      const input = i ? facts.layers[i - 1].shape : facts.shape;
      return { ...layer, ...Object.fromEntries(owned), input };
    });
    this.steps = 0;
    this.kept = []; // {steps, arrays} before each step, in order
  }

  /** Return the network's input for the pixels of a picture, 0 to 255. */
  input(pixels) {
    const { scale, shift } = this.facts.preparation;
    return Float32Array.from(pixels, (p) => Math.fround(Math.fround(scale) * p) + shift);
  }

  /** Return the forward pass: values (the input, then each layer's output), probabilities. */
  forward(x) {
    const values = [x];
    this.layers.forEach((layer, i) => values.push(KINDS[layer.kind].forward(layer, values[i])));
    return { values, probabilities: softmax(values.at(-1)) };
  }

  /** Add to a forward pass the cross-entropy of a class, and its gradient at each stage. */
  backward({ values, probabilities }, target) {
    const grads = [probabilities.map((p, i) => p - (i === target ? 1 : 0))];
    for (let i = this.layers.length - 1; i >= 0; i--) {
      const layer = this.layers[i];
      grads.unshift(KINDS[layer.kind].backward(layer, values[i], values[i + 1], grads[0]));
    }
    return { values, probabilities, grads, target, loss: crossEntropy(values.at(-1), target) };
  }

  /** Return {name: gradient} of the parameters of layer i. */
  gradients({ values, grads }, i) {
    return KINDS[this.layers[i].kind].gradients?.(this.layers[i], values[i], grads[i + 1]) ?? {};
  }

  /** Change each weight by -rate times its gradient. */
  step(passes, rate) {
    this.kept.push({ steps: this.steps, arrays: this.arrays.map((array) => array.slice()) });
    this.steps += 1;
    this.layers
      .map((_, i) => this.gradients(passes, i))
      .forEach((gradients, i) => {
        for (const [name, grad] of Object.entries(gradients)) {
          const array = this.layers[i][name];
          grad.forEach((value, at) => (array[at] -= rate * value));
        }
      });
    if (this.kept.length > Network.MOST_KEPT) this.kept.splice(1, 1);
  }

  /** Undo the last step, or all steps: the weights are restored bit for bit. */
  undo(all = false) {
    const before = all ? this.kept[0] : this.kept.at(-1);
    if (!before) return;
    before.arrays.forEach((array, i) => this.arrays[i].set(array));
    this.steps = before.steps;
    this.kept.length = all ? 0 : this.kept.length - 1;
  }
}

Network.MOST_KEPT = 50; // maximum saved states; an undo beyond them restores the first

function crossEntropy(z, target) {
  const largest = Math.max(...z);
  const sum = z.reduce((total, value) => total + Math.exp(value - largest), 0);
  return Math.log(sum) + largest - z[target];
}
