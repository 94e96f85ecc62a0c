/** Pictures of a training: curves over its steps, and the confusion matrix. */

import { element, written } from "./maps.js";

const [WIDTH, HEIGHT] = [300, 120];
const MOST = 600; // maximum points of a curve; beyond, neighbours are averaged
const MISTAKES = 8; // factor of darkness against right answers, as mistakes are fewer

/** Curves over the training steps. names: of the curves; share: whether values are in 0..1. */
export class Curves {
  constructor(label, names, share) {
    Object.assign(this, { label, share, points: names.map(() => []), names });
    const plot = element("div", { className: "plot" }); // innerHTML knows svg's namespace
    plot.innerHTML =
      `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img">` +
      `${names.map((_, i) => `<polyline class="curve-${i}"/>`).join("")}</svg>`;
    [this.svg, this.lines] = [plot.firstChild, [...plot.firstChild.children]];
    this.values = names.map((_, i) => element("span", { className: `key-${i}` }));
    this.top = element("span", { className: share ? "top" : "top right" });
    plot.append(this.top);
    this.end = element("span");
    this.element = element("figure", { className: "curves" },
      element("figcaption", {}, element("h3", { textContent: label }),
        element("p", { className: "soft keys" }, ...this.values)),
      plot,
      element("p", { className: "scale ends" }, "step 0", this.end),
    );
    this.show();
  }

  clear() {
    this.points = this.points.map(() => []);
    this.show();
  }

  add(curve, step, value) {
    const points = this.points[curve];
    points.push([step, value]);
    if (points.length < MOST) return;
    const later = points.filter((_, i) => i % 2);
    this.points[curve] = later.map(([at, y], i) => [at, (y + points[2 * i][1]) / 2]);
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
      if (value === undefined) return name;
      return `${name} ${this.share ? `${(100 * value).toFixed(1)} %` : written(value)}`;
    });
    words.forEach((text, i) => (this.values[i].textContent = text));
    this.svg.setAttribute("aria-label", `${this.label}: ${words.join(", ")}`);
  }
}

/** Show counts (label, answer) as a table; larger counts have darker cells. */
export function showConfusion(table, counts, classes) {
  const rows = classes.map((name, label) => {
    const row = [...counts.subarray(label * classes.length, (label + 1) * classes.length)];
    const total = row.reduce((sum, count) => sum + count, 0) || 1;
    const cells = row.map((count, answer) => {
      const [className, factor] = label === answer ? ["right", 1] : ["wrong", MISTAKES];
      const cell = element("td", { textContent: count || "", className });
      cell.style.setProperty("--share", Math.min(1, (factor * count) / total));
      return cell;
    });
    return element("tr", {}, element("th", { scope: "row", textContent: name }), ...cells);
  });
  const heads = classes.map((name) => element("th", { scope: "col", textContent: name }));
  table.parentElement.hidden = false;
  table.tHead.replaceChildren(element("tr", {}, element("td"), ...heads));
  table.tBodies[0].replaceChildren(...rows);
}
