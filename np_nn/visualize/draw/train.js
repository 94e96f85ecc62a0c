/** Training in the page: settings, buttons, and pictures of the worker's reports. */

import { Curves, showConfusion } from "./charts.js";
import { readSets, split, unzipped } from "./idx.js";
import { MapView, element } from "./maps.js";
import { described, linears, transposed } from "./mlp.js";
import { pack, unpack } from "./safetensors.js";

const $ = (id) => document.getElementById(id);
const MOST_UNITS = 64; // maximum units whose weights are drawn

/** Calls of the methods of Trainer in worker.js, each returning a Promise of its answer. */
class Worked {
  constructor(posted) {
    const source = new Blob([$("worker").textContent], { type: "text/javascript" });
    this.worker = new Worker(URL.createObjectURL(source));
    this.waiting = new Map();
    this.worker.onmessage = ({ data }) => {
      if (data.id === undefined) return posted(data);
      const { done, failed } = this.waiting.get(data.id);
      this.waiting.delete(data.id);
      return data.error ? failed(new Error(data.error)) : done(data.answer);
    };
  }

  ask(name, ...args) {
    const id = (this.last = (this.last ?? 0) + 1);
    this.worker.postMessage({ id, name, args });
    return new Promise((done, failed) => this.waiting.set(id, { done, failed }));
  }
}

export class Training {
  /** facts: {module, images} of the page. used(facts, arrays, name): moves a network to the pad. */
  constructor({ module, images }, used) {
    Object.assign(this, { module, images, used, acting: false, running: false, speed: 0 });
    this.loss = new Curves("Loss", ["of the batches"], false);
    this.accuracy = new Curves("Accuracy", ["of the batches", "on test images"], true);
    $("curves").append(this.loss.element, this.accuracy.element);
    const on = (id, name, act) =>
      $(id).addEventListener(name, () => (this.running ? this.pause() : this.attempt(act)));
    on("run", "click", () => this.run());
    on("one-step", "click", () => this.run(1));
    on("rewind", "click", () => this.worked.ask("rewind"));
    on("save-model", "click", () => this.save());
    on("use", "click", () => this.use());
    on("files", "change", () => this.choose());
    on("load", "change", () => this.load());
    const starts = (id, loaded) => $(id).addEventListener("change", () => this.forget(loaded()));
    for (const id of ["widths", "activation"]) starts(id, () => null);
    for (const id of ["seed", "rule"]) starts(id, () => this.loaded);
    this.show();
  }

  /** Run an action; if it fails, say why in one line. */
  async attempt(act) {
    this.acting = true;
    if ($("progress").className) this.say("");
    this.show();
    try {
      await act();
    } catch (error) {
      this.say(error.message, true);
    }
    this.acting = false;
    this.show();
  }

  say(text, wrong = false) {
    $("progress").textContent = text;
    $("progress").classList.toggle("wrong", wrong);
  }

  // ---- Images ---------------------------------------------------------------------------------

  async choose() {
    const files = [...$("files").files];
    $("files").value = "";
    this.sets = await readSets(files);
    this.forget(this.loaded);
    const [train, test] = ["train", "test"].map((name) => thousands(this.sets[name].labels.length));
    const names = files.map((file) => file.name).join(", ");
    $("images").textContent = `${train} training and ${test} test images: ${names}.`;
    this.dataset = "";
  }

  /** Unpack the images of the page. */
  async unpackImages() {
    if (!this.images) throw new Error("Choose images first: a file of images and one of labels.");
    const { dataset, train, bytes } = this.images;
    const all = new Uint8Array(await unzipped(new Blob([decoded(bytes)])));
    const count = all.length / 785;
    const set = (from, to) => ({
      images: all.subarray(784 * from, 784 * to),
      labels: all.subarray(784 * count + from, 784 * count + to),
    });
    this.dataset = dataset;
    this.sets = split(set(0, train), set(train, count));
  }

  // ---- The network ----------------------------------------------------------------------------

  /** Drop the network; the worker gets the loaded one, or a new one, before the next step. */
  forget(loaded = null) {
    Object.assign(this, { loaded, model: loaded, created: false });
    this.clear();
    this.show();
  }

  clear() {
    this.step = 0;
    this.loss.clear();
    this.accuracy.clear();
  }

  settings() {
    const number = (id, name, least, whole = true) => {
      const value = $(id).valueAsNumber;
      $(id).ariaInvalid = !(value >= least && (!whole || Number.isInteger(value)));
      if ($(id).ariaInvalid === "true") {
        throw new Error(`${name}: choose a ${whole ? "whole " : ""}number of at least ${least}.`);
      }
      return value;
    };
    const hidden = $("widths").value.split(/[\s,;x-]+/).filter(Boolean).map(Number);
    const fits = (width) => Number.isInteger(width) && width > 0 && width <= 65536;
    if (hidden.length > 31 || !hidden.every(fits)) {
      throw new Error("Hidden layers: up to 31 widths from 1 to 65536, such as 128 or 200, 100.");
    }
    return {
      hidden, activation: Number($("activation").value), rule: $("rule").value,
      seed: number("seed", "Seed", 0), rate: number("train-rate", "Learning rate", 0, false),
      batch: number("batch", "Batch size", 2), epochs: number("epochs", "Epochs", 1),
    };
  }

  /** Send the worker the loaded network, or a new one of the settings, unless it has one. */
  async ready(settings) {
    if (!this.sets) await this.unpackImages();
    if (this.created) return;
    if (!this.worked) {
      this.worked = new Worked((posted) => this.posted(posted));
      await this.worked.ask("open", await unzipped(new Blob([decoded(this.module)])));
    }
    const { train, test } = this.sets;
    const own = {
      widths: [train.size, ...settings.hidden, train.classes], activation: settings.activation,
      classes: Array.from({ length: train.classes }, (_, i) => `${i}`), scale: 1 / 255, shift: 0,
    };
    const model = this.model ?? own;
    if (model.classes.length < train.classes) {
      const [there, wanted] = [model.classes.length, train.classes];
      throw new Error(`The model has ${there} classes, the images ${wanted}: load another one.`);
    }
    const classes = model.classes.length;
    await this.worked.ask("data", { ...train, classes }, { ...test, classes });
    this.model = model;
    await this.worked.ask("create", { ...model, rule: settings.rule, seed: settings.seed });
    this.created = true;
  }

  /** Train for a number of steps, or for the epochs of the settings. */
  async run(steps) {
    const settings = this.settings();
    await this.ready(settings);
    const { rate, batch, epochs } = settings;
    const epoch = this.sets.train.labels.length / batch;
    const until = this.step + (steps ?? Math.ceil(epochs * epoch));
    this.running = true;
    this.show();
    try {
      await this.worked.ask("run", { rate, batch, until });
    } finally {
      this.running = false;
      this.showProgress();
    }
  }

  pause() {
    this.worked.ask("pause");
  }

  // ---- What the worker posts ------------------------------------------------------------------

  posted({ report, look }) {
    if (report) {
      this.step = report.step;
      this.loss.add(0, report.step, report.loss);
      this.accuracy.add(0, report.step, report.accuracy);
      const speed = (1000 * report.images) / report.ms;
      this.speed = this.speed ? 0.9 * this.speed + 0.1 * speed : speed;
    } else this.look(look);
    this.scheduled ??= requestAnimationFrame(() => this.showProgress());
  }

  look({ step, counts, weights }) {
    const { model } = this;
    const count = model.classes.length;
    const right = model.classes.reduce((sum, _, i) => sum + counts[i * (count + 1)], 0);
    const total = counts.reduce((sum, each) => sum + each, 0);
    if (step === 0) this.clear();
    Object.assign(this, { step, model: { ...model, weights } });
    this.accuracy.add(1, step, right / total);
    showConfusion($("confusion"), counts, model.classes);
    this.showWeights();
  }

  showWeights() {
    const { weight, inputs, outputs } = linears(this.model)[0];
    const units = Math.min(outputs, MOST_UNITS);
    const view = new MapView("Weights of the first layer's units as images", [units, 28, 28]);
    view.show(transposed(weight, inputs, outputs).subarray(0, units * inputs));
    $("units").textContent = outputs > units ? `${units} of ${outputs} units` : `${outputs} units`;
    $("weights").replaceChildren(view.element);
    $("weights").parentElement.hidden = false;
  }

  showProgress() {
    this.scheduled = undefined;
    this.loss.show();
    this.accuracy.show();
    const epoch = (this.step * $("batch").valueAsNumber) / this.sets.train.labels.length;
    const speed = this.speed ? `, ${thousands(this.speed)} images/s` : "";
    if (!this.model || $("progress").className === "wrong") return;
    const name = this.model.widths.join("-");
    this.say(`${name}: step ${thousands(this.step)}, epoch ${epoch.toFixed(2)}${speed}`);
  }

  show() {
    const there = Boolean(this.model?.weights); // false before the first step
    $("run").textContent = this.running ? "Pause" : "Run";
    $("progress").ariaBusy = this.running; // a screen reader announces only the end
    $("run").disabled = this.acting && !this.running;
    $("one-step").disabled = this.acting;
    for (const id of ["save-model", "use"]) $(id).disabled = this.acting || !there;
    $("rewind").disabled = this.acting || !this.created;
    const fields = $("settings").querySelectorAll("input, select");
    for (const field of fields) field.disabled = this.acting;
  }

  // ---- Model files, and the pad ---------------------------------------------------------------

  async save() {
    const { rate, batch, rule } = this.settings();
    const optimizer = rule === "momentum" ? "sgd:momentum=0.9" : rule;
    const recipe = { optimizer, lr: rate, batch_size: batch };
    const bytes = pack(this.model, { dataset: this.dataset, recipe });
    const href = URL.createObjectURL(new Blob([bytes]));
    element("a", { href, download: "model.safetensors" }).click();
    URL.revokeObjectURL(href);
  }

  async load() {
    const [file] = $("load").files;
    $("load").value = "";
    const bytes = new Uint8Array(await file.arrayBuffer());
    try {
      this.forget(unpack(bytes));
    } catch (error) {
      throw new Error(`${file.name}: ${error.message}`);
    }
    $("widths").value = this.model.widths.slice(1, -1).join(", ");
    $("activation").value = this.model.activation;
    this.showWeights();
    this.say(`${file.name}: ${this.model.widths.join("-")}, loaded.`);
    if (this.sets || this.images) await this.ready(this.settings());
  }

  use() {
    const { facts, arrays } = described(this.model, this.settings().rate);
    this.used(facts, arrays, `The network trained here, ${this.model.widths.join("-")}`);
  }
}

function thousands(number) {
  return Math.round(number).toLocaleString("en");
}

function decoded(base64) {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}
