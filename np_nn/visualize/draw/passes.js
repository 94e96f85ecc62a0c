/** Both passes as cards, one per stage, with the value above its gradient. */

import { size } from "./arrays.js";
import { BarsView, MapView, element, selectable, written } from "./maps.js";
import { nameOf } from "./unit.js";

const MOST_BARS = 16; // maximum units drawn as bars

export class Passes {
  /** root: the list for the cards. chosen(stage, unit, stays): see `selectable`. */
  constructor(root, network, chosen) {
    this.network = network;
    this.cards = stagesOf(network).map((stage, at) => {
      const card = new Card(stage, (unit, stays) => chosen(at, unit, stays));
      root.append(card.element);
      return card;
    });
  }

  /** Show the visible part of a lesson. selected: {stage, unit}, or null. */
  show(lesson, selected) {
    const { passes, at, end, forwardEnd } = lesson;
    const now = at <= forwardEnd ? at : end - at;
    this.cards.forEach((card, stage) => {
      const value = passes && (passes.values[stage] ?? passes.probabilities);
      card.show(
        lesson.shows(stage) ? value : null,
        lesson.showsGradient(stage) ? (passes.grads[stage] ?? passes.loss) : null,
      );
      card.element.classList.toggle("now", stage === now && Boolean(lesson.timer));
      this.mark(card, stage, selected?.stage === stage ? selected.unit : null, value);
    });
  }

  mark(card, stage, unit, value) {
    card.views.forEach((view) => view.mark(unit));
    const { body } = card.views[0];
    if (unit !== null) body.ariaValueNow = unit;
    const shown = Number(body.ariaValueNow);
    const number = value ? `: ${written(value[shown])}` : "";
    body.ariaValueText = `${nameOf(this.network, stage, shown)}${number}`;
  }
}

/** Return the facts of each stage: the pixels, the layers, the probabilities. */
function stagesOf({ facts, layers }) {
  const letters = ["x", ...layers.map((layer) => layer.letter)];
  const last = { shape: [facts.classes.length], names: facts.classes };
  const backward = [...layers.map((layer) => layer.backward), "= p \u2212 y"];
  return [
    { formula: "x, the pixels", title: "the network's input", shape: facts.shape, ink: true },
    ...layers.map(({ forward, title, shape }, i) => ({
      formula: forward, title, shape, names: i === layers.length - 1 ? facts.classes : null,
    })),
    { ...last, formula: "p = softmax(z)", title: "probabilities", loss: true },
  ].map((stage, i) => ({ ...stage, gradient: `\u2202L/\u2202${letters[i]} ${backward[i]}` }));
}

class Card {
  constructor({ formula, title, shape, names, ink, loss, gradient }, chosen) {
    const few = shape.length === 1 && shape[0] <= MOST_BARS;
    const labels = few ? (names ?? Array.from({ length: shape[0] }, (_, i) => `${i}`)) : null;
    const view = (label, isInk) =>
      few ? new BarsView(label, labels, !loss) : new MapView(label, shape, isInk);
    this.value = view(`${formula}; ${title}`, ink);
    this.gradient = loss ? null : view(gradient, false);
    this.views = [this.value, this.gradient].filter(Boolean);
    this.views.forEach((each) => selectable(each, size(shape), chosen));
    if (this.gradient) this.gradient.body.tabIndex = -1; // the same units as above
    this.lossText = element("p", { className: "loss" });
    this.back = element("div", { className: "back" }, ...(loss
      ? [element("h4", { textContent: "L, the loss" }), this.lossText]
      : [element("h4", { textContent: gradient }), this.gradient.element]));
    this.element = element("li", { className: "stage" },
      element("h3", { textContent: formula }),
      element("p", { className: "soft", textContent: title }),
      this.value.element,
      this.back,
    );
  }

  /** value, gradient: arrays, or null if not shown yet; the last card's gradient is the loss. */
  show(value, gradient) {
    this.value.show(value);
    this.element.classList.toggle("ahead", value === null);
    this.back.classList.toggle("ahead", gradient === null);
    if (this.gradient) this.gradient.show(gradient);
    else this.lossText.textContent = gradient === null ? "" : `\u2212log p = ${written(gradient)}`;
  }
}
