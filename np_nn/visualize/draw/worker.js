/**
 * The worker: trains a network of the module train.wasm, in slices, so that it can answer the page.
 *
 * The page posts {id, name, args}, where name is a method of Trainer, and gets {id, answer} or
 * {id, error}. Each slice of a training is posted as {report}, each test of the network as {look}.
 * The functions of the module are those of kernels/wasm/driver.h.
 */

const SLICE = 30; // ms of training between two reports
const LOOK = 10; // minimum training time between two tests, in durations of a test
const PART = 1000; // test images in the module's memory at a time
const ERRORS = {
  "-1": "There is not enough memory for this network and these images: choose smaller ones.",
  "-2": "A batch needs at least one image, and a slice of training fewer than 2 billion.",
  "-3": "A label is not one of the network's classes: start a new network.",
};

class Trainer {
  async open(bytes) {
    const { instance } = await WebAssembly.instantiate(bytes);
    this.nn = instance.exports;
    this.nn._initialize();
  }

  /** Set the training and the test images, each {images, labels, size, classes}. */
  data(train, test) {
    Object.assign(this, { train, test });
  }

  /**
   * Start a network. activation: its number in driver.h. weights: all parameters, or null for
   * those of the seed. scale, shift: of the pixels.
   */
  create({ widths, activation, rule, seed, weights, scale, shift }) {
    const { nn, train } = this;
    const [at] = this.put(Int32Array.from(widths));
    nn.destroy(this.net ?? 0);
    this.net = nn.create(at, widths.length, activation);
    nn.free(at);
    if (!this.net) throw new Error(ERRORS[-1]);
    const images = this.put(train.images, train.labels);
    const failed = nn.set(this.net, ...images, train.labels.length, scale, shift);
    images.forEach(nn.free);
    check(failed);
    nn.reset(this.net, seed);
    if (rule === "adam") nn.adam(this.net, 0.9, 0.999, 1e-8);
    else nn.sgd(this.net, rule === "momentum" ? 0.9 : 0, 0);
    if (weights) this.floats(nn.weight(this.net, 0), weights.length).set(weights);
    this.start = this.state().slice();
    this.look();
  }

  /** Train up to a step. Resolves at that step, or when `pause` is called. */
  async run({ rate, batch, until }) {
    this.running = true;
    let [steps, trained] = [1, 0];
    while (this.running && this.nn.steps(this.net) < until) {
      const took = this.slice(Math.min(steps, until - this.nn.steps(this.net)), batch, rate);
      steps = took < SLICE ? 2 * steps : Math.ceil(steps / 2);
      trained += took;
      if (trained > LOOK * this.looked) {
        this.look();
        trained = 0;
      }
      await turn();
    }
    this.running = false;
    this.look();
  }

  pause() {
    this.running = false;
  }

  /** Take `steps` training steps, report them, and return their duration in ms. */
  slice(steps, batch, rate) {
    const { nn, net } = this;
    const began = performance.now();
    check(nn.train(net, steps, batch, rate));
    const ms = performance.now() - began;
    const mean = (values) => values.reduce((sum, value) => sum + value, 0) / steps;
    const loss = mean(new Float64Array(nn.memory.buffer, nn.losses(net), steps));
    const accuracy = mean(new Int32Array(nn.memory.buffer, nn.correct(net), steps)) / batch;
    if (!Number.isFinite(loss)) {
      const step = nn.steps(net);
      this.rewind();
      throw new Error(
        `At step ${step} the loss was not finite: the network is back at its start; ` +
          `choose a learning rate below ${rate}.`,
      );
    }
    postMessage({ report: { step: nn.steps(net), loss, accuracy, images: steps * batch, ms } });
    return ms;
  }

  rewind() {
    this.state().set(this.start);
    this.look();
  }

  /** Post the parameters, and the confusion matrix of the test images: counts (label, answer). */
  look() {
    const { nn, net, test } = this;
    const began = performance.now();
    const counts = new Int32Array(test.classes ** 2);
    for (let from = 0; from < test.labels.length; from += PART) {
      const labels = test.labels.subarray(from, from + PART);
      const end = (from + PART) * test.size;
      const answers = this.predict(test.images.subarray(from * test.size, end));
      labels.forEach((label, i) => counts[label * test.classes + answers[i]]++);
    }
    const weights = this.floats(nn.weight(net, 0), nn.parameters(net)).slice();
    postMessage({ look: { step: nn.steps(net), counts, weights } });
    this.looked = Math.max(performance.now() - began, SLICE / LOOK);
  }

  /** Return the predicted class of each image. */
  predict(images) {
    const { nn, net, test } = this;
    const [count, classes] = [images.length / test.size, test.classes];
    const [at, out] = this.put(images, new Float32Array(count * classes));
    const failed = nn.predict(net, at, count, out);
    const logits = this.floats(out, count * classes).slice();
    [at, out].forEach(nn.free);
    check(failed);
    return Array.from({ length: count }, (_, i) => {
      const own = logits.subarray(i * classes, (i + 1) * classes);
      return own.indexOf(Math.max(...own));
    });
  }

  // ---- The module's memory, which may move in every call that allocates some -------------------

  state() {
    const { nn, net } = this;
    return new Uint8Array(nn.memory.buffer, nn.state(net), nn.state_bytes(net));
  }

  floats(at, count) {
    return new Float32Array(this.nn.memory.buffer, at, count);
  }

  /** Return the addresses of copies of arrays. */
  put(...arrays) {
    return arrays.map(({ buffer, byteOffset, byteLength }) => {
      const at = this.nn.alloc(byteLength);
      if (!at) throw new Error(ERRORS[-1]);
      new Uint8Array(this.nn.memory.buffer, at).set(new Uint8Array(buffer, byteOffset, byteLength));
      return at;
    });
  }
}

function check(failed) {
  if (failed) throw new Error(ERRORS[failed]);
}

/** Let pending messages of the page be handled; a timeout would wait 4 ms. */
function turn() {
  return new Promise((go) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => go(port1.close());
    port2.postMessage(null);
  });
}

const trainer = new Trainer();
onmessage = async ({ data: { id, name, args } }) => {
  try {
    postMessage({ id, answer: await trainer[name](...args) });
  } catch (error) {
    trainer.running = false;
    postMessage({ id, error: error.message });
  }
};
