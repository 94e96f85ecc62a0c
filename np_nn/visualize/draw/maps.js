/** Views of an array: a map of coloured squares, one per unit, and bars with names. */

const THEMES = {
  light: { above: [213, 94, 0], below: [0, 114, 178], ink: [24, 26, 31] },
  dark: { above: [255, 146, 66], below: [84, 174, 240], ink: [240, 242, 246] },
};

/** Format a number with four significant digits. */
export function written(value) {
  const size = Math.abs(value);
  const plain = value === 0 || (size >= 1e-4 && size < 1e5);
  const text = plain ? String(Number(value.toPrecision(4))) : value.toExponential(2);
  return text.replaceAll("-", "\u2212");
}

export function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

/** Return the places of an array's units: (channels, rows, columns) in tiles, (units) in rows. */
export function layout(shape) {
  const flat = shape.length === 1 || shape.slice(1).every((side) => side === 1);
  const [count, height, width] = flat ? [shape[0], 1, 1] : shape;
  const gap = flat || count === 1 ? 0 : 1;
  const across = Math.ceil(Math.sqrt(flat ? 1.5 * count : count));
  const columns = across * (width + gap) - gap;
  const rows = Math.ceil(count / across) * (height + gap) - gap;
  const place = (i) => {
    const [tile, within] = [Math.floor(i / (height * width)), i % (height * width)];
    const [x, y] = [tile % across, Math.floor(tile / across)];
    return [x * (width + gap) + (within % width), y * (height + gap) + Math.floor(within / width)];
  };
  const unitAt = (x, y) => {
    const [tileX, tileY] = [Math.floor(x / (width + gap)), Math.floor(y / (height + gap))];
    const tile = Math.min(tileY * across + tileX, count - 1);
    const [column, row] = [x - tileX * (width + gap), y - tileY * (height + gap)];
    return (tile * height + Math.min(row, height - 1)) * width + Math.min(column, width - 1);
  };
  return { columns, rows, place, unitAt };
}

function largest(values) {
  return values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}

/** Return the value of full colour as text; a space if nothing is shown. */
function caption(values, most, signed) {
  return values ? `${signed ? "\u00b1" : "0 \u2026 "}${written(most)}` : "\u00a0";
}

/** A map. ink: whether values are ink from 0 to 1; otherwise orange is above 0, blue below. */
export class MapView {
  constructor(label, shape, ink = false) {
    Object.assign(this, { ...layout(shape), ink });
    this.across = shape.length === 1 ? this.columns : shape.at(-1);
    this.canvas = element("canvas", { width: this.columns, height: this.rows });
    this.marker = element("i", { className: "marker", hidden: true });
    this.body = element("div", { className: "map", ariaLabel: label, role: "img" });
    this.body.style.aspectRatio = `${this.columns} / ${this.rows}`;
    this.body.append(this.canvas, this.marker);
    this.scale = element("p", { className: "scale", textContent: "\u00a0" });
    this.element = element("div", {}, this.body, this.scale);
  }

  show(values) {
    const context = this.canvas.getContext("2d");
    const image = context.createImageData(this.columns, this.rows);
    const theme = THEMES[document.documentElement.dataset.theme];
    const most = largest(values ?? []);
    values?.forEach((value, i) => {
      const [x, y] = this.place(i);
      const colour = this.ink ? theme.ink : value > 0 ? theme.above : theme.below;
      const share = most ? Math.abs(value) / most : 0;
      image.data.set([...colour, Math.round(255 * share)], 4 * (y * this.columns + x));
    });
    context.putImageData(image, 0, 0);
    this.scale.textContent = caption(values, most, !this.ink);
  }

  mark(unit) {
    this.marker.hidden = unit === null;
    if (unit === null) return;
    const [x, y] = this.place(unit);
    Object.assign(this.marker.style, {
      left: `${(100 * x) / this.columns}%`, width: `${100 / this.columns}%`,
      top: `${(100 * y) / this.rows}%`, height: `${100 / this.rows}%`,
    });
  }

  under({ clientX, clientY }) {
    const box = this.canvas.getBoundingClientRect();
    const at = (from, length, count) =>
      Math.min(Math.max(Math.floor((from * count) / length), 0), count - 1);
    return this.unitAt(
      at(clientX - box.left, box.width, this.columns),
      at(clientY - box.top, box.height, this.rows),
    );
  }
}

/** Bars with names. signed: whether bars start in the middle; otherwise at the left. */
export class BarsView {
  constructor(label, names, signed) {
    Object.assign(this, { signed, across: 1 });
    this.bars = names.map(() => element("i"));
    this.rows = names.map((name, i) =>
      element("div", { className: "row" }, element("b", { textContent: name }),
        element("span", { className: "track" }, this.bars[i])),
    );
    this.body = element("div", { className: `bars${signed ? " signed" : ""}`, role: "img" });
    this.body.ariaLabel = label;
    this.body.append(...this.rows);
    this.scale = element("p", { className: "scale", textContent: "\u00a0" });
    this.element = element("div", {}, this.body, this.scale);
  }

  show(values) {
    const most = this.signed ? largest(values ?? []) : 1;
    this.bars.forEach((bar, i) => {
      const share = values && most ? values[i] / most : 0;
      bar.className = share < 0 ? "below" : "above";
      bar.style.setProperty("--share", Math.abs(share));
    });
    this.scale.textContent = caption(values, most, this.signed);
  }

  mark(unit) {
    this.rows.forEach((row, i) => row.classList.toggle("marked", i === unit));
  }

  under({ clientY }) {
    const box = this.body.getBoundingClientRect();
    const row = Math.floor(((clientY - box.top) / box.height) * this.rows.length);
    return Math.min(Math.max(row, 0), this.rows.length - 1);
  }
}

const KEYS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };

/**
 * Let the user select a unit of a view by hovering, tapping, or with the arrow keys.
 *
 * chosen(unit, stays): stays is false while the mouse hovers, and then unit may be null.
 */
export function selectable(view, count, chosen) {
  const { body } = view;
  Object.assign(body, { role: "slider", tabIndex: 0, ariaValueMin: 0, ariaValueMax: count - 1 });
  body.ariaValueNow = 0;
  const on = (name, listener) => body.addEventListener(name, listener);
  on("pointermove", (event) => event.pointerType === "mouse" && chosen(view.under(event), false));
  on("pointerleave", () => chosen(null, false));
  on("click", (event) => chosen(view.under(event), true));
  on("focus", () => body.matches(":focus-visible") && chosen(Number(body.ariaValueNow), true));
  on("keydown", (event) => {
    const [right, down] = KEYS[event.key] ?? [0, 0];
    const ends = { Home: -count, End: count };
    const by = right + down * view.across + (ends[event.key] ?? 0);
    if (!by) return;
    event.preventDefault();
    // Set here, too: the next key may come before the next frame shows the unit.
    body.ariaValueNow = Math.min(Math.max(Number(body.ariaValueNow) + by, 0), count - 1);
    chosen(Number(body.ariaValueNow), true);
  });
}
