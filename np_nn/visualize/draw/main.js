/** The page: connects the pad, the answer, the lesson and the unit in numbers. */

import { Lesson } from "./learn.js";
import { MapView, element, selectable, written } from "./maps.js";
import { Network } from "./network.js";
import { Pad, SIDE } from "./pad.js";
import { Passes } from "./passes.js";
import { prepare } from "./prepare.js";
import { Training } from "./train.js";
import { explain } from "./unit.js";

const $ = (id) => document.getElementById(id);
const EXAMPLE = [ // a 3
  [104, 92], [130, 72], [168, 66], [200, 82], [208, 112], [190, 140], [158, 154], [196, 166],
  [216, 196], [206, 232], [172, 252], [132, 250], [102, 230],
];
const QUIET = 600; // ms without a change before a screen reader is told the answer

const choice = { pinned: null, hovered: null };
let [network, classes, lesson, seen, passes, rows] = []; // of `use`
let pixels = null;
let scheduled = false;
let drawn = true; // whether the drawing has changed since `pixels` was computed

const pad = new Pad($("pad"), $("cursor"), () => {
  drawn = true;
  schedule();
});

/** Use a network for the pad. name: its name in the page. */
function use(own, name) {
  lesson?.pause();
  network = own;
  classes = network.facts.classes;
  lesson = new Lesson(network, () => schedule());
  seen = new MapView("the network's input", network.facts.shape, true);
  $("seen").replaceChildren(seen.element);
  $("stages").replaceChildren();
  passes = new Passes($("stages"), network, choose);
  rows = classes.map(answerRow);
  $("classes").replaceChildren(...rows.map(({ button }) => element("li", {}, button)));
  if (name) $("about").textContent = `${name}, runs in this page.`;
  $("rate").value = lesson.rate;
  Object.assign(choice, { pinned: null, hovered: null });
  drawn = true;
  globalThis.np_nn = { network, lesson, pad, prepare, explain, training }; // for the console
  schedule();
}

/** Request one redraw in the next frame. */
function schedule() {
  if (!scheduled) requestAnimationFrame(show);
  scheduled = true;
}

function show() {
  if (drawn) {
    drawn = false;
    pixels = prepare(pad.ink(), SIDE, network.facts.preparation);
    lesson.see(pixels);
  }
  scheduled = false;
  $("hint").hidden = pad.strokes.length > 0;
  seen.show(pixels);
  showAnswer();
  showLesson();
  passes.show(lesson, selected());
  showUnit();
}

// ---- The answer -------------------------------------------------------------------------------

function answerRow(name, i) {
  const [bar, share] = [element("i"), element("span", { className: "share" })];
  const track = element("span", { className: "track" }, bar);
  const button = element("button", { type: "button", className: "class", ariaPressed: false },
    element("b", { textContent: name }), track, share);
  button.addEventListener("click", () => {
    lesson.mean(i);
    choice.pinned ??= telling();
  });
  return { button, bar, share };
}

function showAnswer() {
  const p = lesson.passes?.probabilities;
  const best = p ? p.indexOf(Math.max(...p)) : -1;
  $("best").textContent = p ? classes[best] : "?";
  $("sure").textContent = p ? percent(p[best]) : "draw a digit";
  rows.forEach(({ button, bar, share }, i) => {
    bar.style.setProperty("--share", p ? p[i] : 0);
    share.textContent = p ? percent(p[i]) : "";
    button.disabled = !p;
    button.ariaPressed = lesson.target === i;
    button.ariaLabel = `${classes[i]}${p ? `, ${percent(p[i])}` : ""}: I meant this`;
    button.classList.toggle("best", i === best);
  });
  clearTimeout(show.timer);
  const spoken = p ? `${classes[best]}, ${percent(p[best])}` : "";
  show.timer = setTimeout(() => say("spoken", spoken), QUIET);
}

/** Write a text that screen readers speak when it changes. */
function say(id, text) {
  if ($(id).textContent !== text) $(id).textContent = text;
}

function percent(p) {
  return `${(100 * p).toFixed(1)} %`;
}

// ---- The lesson -------------------------------------------------------------------------------

const BUTTONS = {
  step: () => lesson.advance(),
  forward: () => lesson.show(lesson.forwardEnd),
  backward: () => lesson.show(lesson.end),
  update: () => lesson.update(),
  play: () => (lesson.timer ? lesson.pause() : lesson.play()),
  "undo-step": () => lesson.undo(),
  reset: () => lesson.undo(true),
};
for (const [id, act] of Object.entries(BUTTONS)) $(id).addEventListener("click", act);
$("rate").addEventListener("input", () => {
  const rate = $("rate").valueAsNumber;
  $("rate").ariaInvalid = !(rate > 0);
  if (rate > 0) lesson.rate = rate;
  schedule();
});

function showLesson() {
  const [meant, playing] = [lesson.target !== null, Boolean(lesson.timer)];
  $("play").textContent = playing ? "Pause" : "Play";
  for (const id of ["step", "forward", "play"]) $(id).disabled = !lesson.passes;
  for (const id of ["backward", "update"]) $(id).disabled = !meant;
  for (const id of ["undo-step", "reset"]) $(id).disabled = !network.steps;
  say("state", stateText(meant));
  $("steps").textContent = network.steps
    ? `The weights have changed ${network.steps === 1 ? "once" : `${network.steps} times`}.`
    : "The weights are unchanged.";
}

function stateText(meant) {
  if (!lesson.passes) return "Draw a digit first.";
  if (!meant) return "Which digit did you mean? Choose it in the answer to see the gradients.";
  const [first, ...later] = [...new Set([lesson.losses[0], lesson.losses.at(-1)])].map(written);
  const loss = [first, ...later].join(" \u2192 ");
  return `You meant ${classes[lesson.target]}: the loss is ${loss}.`;
}

// ---- A unit -----------------------------------------------------------------------------------

function choose(stage, unit, stays) {
  choice.hovered = unit === null || stays ? null : { stage, unit };
  if (stays) choice.pinned = { stage, unit };
  schedule();
}

/** Return the unit of the first Linear or Conv2d layer with the largest |h dL/dh|, or null. */
function telling() {
  const { values, grads } = lesson.passes;
  const stage = 1 + network.layers.findIndex(({ kind }) => kind === "linear" || kind === "conv2d");
  if (!stage) return null;
  const says = values[stage].map((value, i) => Math.abs(value * grads[stage][i]));
  return { stage, unit: says.indexOf(Math.max(...says)) };
}

function selected() {
  return choice.hovered ?? choice.pinned;
}

function showUnit() {
  const at = selected();
  const there = at !== null && lesson.shows(at.stage);
  $("no-unit").hidden = there;
  $("numbers").hidden = !there;
  if (!there) return;
  const grads = lesson.showsGradient(at.stage) ? lesson.passes.grads : undefined;
  const own = explain(network, { ...lesson.passes, grads }, at.stage, at.unit, lesson.rate);
  $("unit-title").textContent = own.title;
  $("unit-lines").replaceChildren(...own.lines.map((line) => element("li", { textContent: line })));
  $("unit-pictures").replaceChildren(...own.pictures.map(({ title, shape, values }) => {
    const view = new MapView(`${title} of ${own.title}`, shape);
    view.show(values);
    return element("figure", {}, element("figcaption", { textContent: title }), view.element);
  }));
}

// ---- Tools and themes -------------------------------------------------------------------------

for (const tool of ["pen", "eraser"]) {
  $(tool).addEventListener("click", () => {
    pad.tool = tool;
    for (const each of ["pen", "eraser"]) $(each).ariaPressed = each === tool;
  });
}
$("undo").addEventListener("click", () => pad.undo());
$("clear").addEventListener("click", () => pad.draw([]));
$("example").addEventListener("click", () => pad.draw([{ tool: "pen", places: EXAMPLE }]));
$("save").addEventListener("click", async () => {
  const href = await pad.picture();
  element("a", { href, download: "digit.png" }).click();
  URL.revokeObjectURL(href);
});

const night = matchMedia("(prefers-color-scheme: dark)");
function setTheme(dark) {
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  $("theme").ariaPressed = dark;
  schedule();
}
night.addEventListener("change", () => setTheme(night.matches));
$("theme").addEventListener("click", () => setTheme($("theme").ariaPressed !== "true"));

const facts = JSON.parse($("training").textContent);
const training = facts.module && new Training(facts, (trained, arrays, name) => {
  use(new Network(trained, arrays), name);
  $("draw").scrollIntoView();
});
use(new Network(JSON.parse($("network").textContent)));
setTheme(night.matches);
