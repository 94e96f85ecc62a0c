/** A lesson: both passes of one drawing, which part of them is shown, and the gradient steps. */

export class Lesson {
  /** changed: called after each change of the lesson. */
  constructor(network, changed) {
    Object.assign(this, { network, changed, x: null, target: null, passes: null, at: 0 });
    this.rate = network.facts.rate;
    this.losses = []; // before the first step, and after each step
  }

  /** The last stage of the forward pass: the probabilities, after the last layer. */
  get forwardEnd() {
    return this.network.layers.length + 1;
  }

  get end() {
    return 2 * this.forwardEnd;
  }

  /** Return whether a stage's value is shown. stage: 0 the pixels, then the layers, then p. */
  shows(stage) {
    return this.passes !== null && stage <= this.at;
  }

  /** Return whether the gradient at a stage is shown; at the stage of p, the loss. */
  showsGradient(stage) {
    const last = this.network.layers.length;
    return this.passes?.grads !== undefined && this.at >= this.end - Math.min(stage, last);
  }

  /** Set the pixels of the drawing, or null. */
  see(pixels) {
    this.pause();
    this.x = pixels && this.network.input(pixels);
    Object.assign(this, { target: null, losses: [] });
    this.compute(this.forwardEnd);
  }

  /** Set the digit that was meant. */
  mean(target) {
    Object.assign(this, { target, losses: [] });
    this.compute(this.end);
    this.losses.push(this.passes.loss);
    this.changed();
  }

  compute(at) {
    const { network, x, target } = this;
    this.passes = x && network.forward(x);
    if (x && target !== null) this.passes = network.backward(this.passes, target);
    this.at = at;
    this.changed();
  }

  /** Show the passes up to a stage; without a target, only the forward pass. */
  show(at) {
    this.at = Math.min(at, this.target === null ? this.forwardEnd : this.end);
    this.changed();
  }

  /** Show one more stage; after the last one, update the weights and begin again. */
  advance() {
    if (this.at < (this.target === null ? this.forwardEnd : this.end)) this.show(this.at + 1);
    else if (this.target === null) this.show(0);
    else this.update(0);
  }

  update(at = this.end) {
    this.network.step(this.passes, this.rate);
    this.compute(at);
    this.losses.push(this.passes.loss);
    this.changed();
  }

  undo(all = false) {
    this.pause();
    const before = this.network.steps;
    this.network.undo(all);
    this.losses.splice(Math.max(1, this.losses.length - (before - this.network.steps)));
    this.compute(this.target === null ? this.forwardEnd : this.end);
  }

  play() {
    this.timer = setInterval(() => this.advance(), Lesson.CYCLE / this.end);
    this.changed();
  }

  pause() {
    clearInterval(this.timer);
    this.timer = undefined;
    this.changed();
  }
}

Lesson.CYCLE = 5000; // duration of both passes and a step, in ms
