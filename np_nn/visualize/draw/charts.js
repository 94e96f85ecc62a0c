/** Pictures of a training: curves over its steps, and the confusion matrix. */

import { element, written } from "./maps.js";

const [WIDTH, HEIGHT] = [300, 120];
const MOST = 600; // points of a curve; beyond, neighbours are joined
const SVG = "http://www.w3.org/2000/svg";

/** Curves of some values over the steps. names: of the curves; share: values from 0 to 1. */
export class Curves {
  constructor(label, names, share) {
    Object.assign(this, { label, share, points: names.map(() => []), names });
    this.svg = document.createElementNS(SVG, "svg");
    for (const [name, value] of Object.entries({ viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", preserveAspectRatio: "none" })) {
      this.svg.setAttribute(name, value);
    }
    this.lines = names.map((_, i) => {
      const line = document.createElementNS(SVG, "polyline");
      line.setAttribute("class", `curve-${i}`);
      this.svg.append(line);
      return line;
    });
    this.values = names.map((name, i) => element("span", { className: `key-${i}`, textContent: name }));
    this.top = element("span", { className: "top" });
    this.end = element("span");
    this.element = element("figure", { className: "curves" },
      element("figcaption", {}, element("h3", { textContent: label }), element("p", { className: "soft keys" }, ...this.values)),
      element("div", { className: "plot" }, this.svg, this.top),
      element("p", { className: "scale ends" }, element("span", { textContent: "step 0" }), this.end));
    this.show();
  }

  clear() {
    this.points = this.points.map(() => []);
    this.show();
  }

  add(curve, step, value) {
    const points = this.points[curve];
    points.push([step, value]);
    if (points.length > MOST) {
      this.points[curve] = points.flatMap(([at, y], i) =>
        i % 2 ? [[at, (y + points[i - 1][1]) / 2]] : i === points.length - 1 ? [[at, y]] : []);
    }
  }

  show() {
    const all = this.points.flat();
    const last = all.reduce((most, [step]) => Math.max(most, step), 1);
    const high = this.share ? 1 : all.reduce((most, [, y]) => Math.max(most, y), 0) || 1;
    this.lines.forEach((line, i) => {
      const places = this.points[i].map(([step, y]) =>
        `${((WIDTH * step) / last).toFixed(1)},${(HEIGHT * (1 - y / high)).toFixed(1)}`);
      line.setAttribute("points", places.join(" "));
    });
    this.top.textContent = this.share ? "100 %" : all.length ? written(high) : "";
    this.end.textContent = all.length ? last.toLocaleString("en") : "";
    const words = this.names.map((name, i) => {
      const value = this.points[i].at(-1)?.[1];
      const text = this.share ? `${(100 * value).toFixed(1)} %` : value && written(value);
      return (this.values[i].textContent = value === undefined ? name : `${name} ${text}`);
    });
    this.svg.setAttribute("aria-label", `${this.label}: ${words.join(", ")}`);
  }
}

/** Show counts (label, answer) as a table whose cells are the darker the more there are. */
export function showConfusion(table, counts, classes) {
  const rows = classes.map((name, label) => {
    const row = [...counts.subarray(label * classes.length, (label + 1) * classes.length)];
    const total = row.reduce((sum, count) => sum + count, 0) || 1;
    return element("tr", {}, element("th", { scope: "row", textContent: name }), ...row.map((count, answer) => {
      const cell = element("td", { textContent: count || "", className: label === answer ? "right" : "wrong" });
      cell.style.setProperty("--share", Math.min(1, (label === answer ? 1 : 8) * (count / total)));
      return cell;
    }));
  });
  const heads = classes.map((name) => element("th", { scope: "col", textContent: name }));
  table.tHead.replaceChildren(element("tr", {}, element("td"), ...heads));
  table.tBodies[0].replaceChildren(...rows);
}
