/** The pad: a square canvas for drawing with a finger, a mouse or the keyboard. */

export const SIDE = 320; // pixels of the canvas
const MARGIN = 20; // pixels that stay empty: the preparation finds the paper by its border
const WIDTHS = { pen: 24, eraser: 44 };
const STEP = 8; // pixels that an arrow key moves the cursor
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class Pad {
  /** canvas: SIDE pixels square. cursor: the element that marks the keyboard's position. */
  constructor(canvas, cursor, changed) {
    Object.assign(this, { canvas, cursor, changed, tool: "pen", strokes: [], down: false });
    this.context = canvas.getContext("2d", { willReadFrequently: true });
    this.place = [SIDE / 2, SIDE / 2];
    const on = (name, listener) => canvas.addEventListener(name, listener);
    on("pointerdown", (event) => this.press(event));
    on("pointermove", (event) => this.drag(event));
    on("pointerup", () => (this.down = false));
    on("pointercancel", () => (this.down = false));
    on("keydown", (event) => this.key(event));
    on("blur", () => (this.down = false));
    on("focus", () => this.showCursor());
  }

  /** Return the ink of each pixel, 0 to 255. */
  ink() {
    const { data } = this.context.getImageData(0, 0, SIDE, SIDE);
    return new Uint8Array(SIDE * SIDE).map((_, i) => data[4 * i + 3]);
  }

  begin(place) {
    this.down = true;
    this.strokes.push({ tool: this.tool, places: [place] });
    this.line(this.tool, place, place);
    this.changed();
  }

  extend(place) {
    const { tool, places } = this.strokes.at(-1);
    this.line(tool, places.at(-1), place);
    places.push(place);
    this.changed();
  }

  line(tool, from, to) {
    const { context } = this;
    context.save();
    context.beginPath();
    context.rect(MARGIN, MARGIN, SIDE - 2 * MARGIN, SIDE - 2 * MARGIN);
    context.clip();
    context.globalCompositeOperation = tool === "pen" ? "source-over" : "destination-out";
    context.lineCap = "round";
    context.lineWidth = WIDTHS[tool];
    context.beginPath();
    context.moveTo(...from);
    context.lineTo(to[0] + 0.01, to[1]); // some browsers draw no line without length
    context.stroke();
    context.restore();
  }

  /** Replace the drawing by strokes, each {tool, places}. */
  draw(strokes) {
    this.strokes = strokes;
    this.context.clearRect(0, 0, SIDE, SIDE);
    for (const { tool, places } of strokes) {
      places.forEach((place, i) => this.line(tool, places[Math.max(0, i - 1)], place));
    }
    this.changed();
  }

  undo() {
    this.draw(this.strokes.slice(0, -1));
  }

  /** Return a blob: URL of the drawing as a PNG, black on white, for np-nn predict. */
  async picture() {
    const copy = new OffscreenCanvas(SIDE, SIDE);
    const context = copy.getContext("2d");
    context.fillStyle = "white";
    context.fillRect(0, 0, SIDE, SIDE);
    context.drawImage(this.canvas, 0, 0);
    return URL.createObjectURL(await copy.convertToBlob());
  }

  press(event) {
    if (event.button) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.cursor.hidden = true;
    this.begin(this.placeOf(event));
  }

  drag(event) {
    if (!this.down || !event.buttons) return;
    const all = event.getCoalescedEvents?.() ?? [];
    for (const each of all.length ? all : [event]) this.extend(this.placeOf(each));
  }

  placeOf({ clientX, clientY }) {
    const box = this.canvas.getBoundingClientRect();
    return [clientX - box.left, clientY - box.top].map((from) => (from * SIDE) / box.width);
  }

  /** Handle a key: arrows move the cursor, the space bar lowers or lifts the pen. */
  key(event) {
    const arrow = ARROWS[event.key];
    if (event.key === " ") this.down ? (this.down = false) : this.begin(this.place);
    else if (arrow) this.move(arrow.map((way) => way * (event.shiftKey ? 2 : STEP)));
    else if (event.key === "z" && (event.ctrlKey || event.metaKey)) this.undo();
    else return;
    event.preventDefault();
    this.showCursor();
  }

  move(by) {
    const inside = (value) => Math.min(Math.max(value, MARGIN), SIDE - MARGIN);
    this.place = this.place.map((value, axis) => inside(value + by[axis]));
    if (this.down) this.extend(this.place);
  }

  showCursor() {
    this.cursor.hidden = !this.canvas.matches(":focus-visible");
    this.cursor.classList.toggle("down", this.down);
    const [left, top] = this.place.map((value) => `${(100 * value) / SIDE}%`);
    Object.assign(this.cursor.style, { left, top });
  }
}
