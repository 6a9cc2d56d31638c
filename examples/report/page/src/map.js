// A map on a canvas: a cell for each (x, y), axes with labels, and a cross that follows the cursor.
import { describe, el, math } from "./dom.js";
import { nearest } from "./data.js";
import { kindTiles } from "./palette.js";
import { color, onTheme } from "./theme.js";

const margin = { left: 58, right: 20, top: 8, bottom: 24 }; // left and right as in chart.js: what is below lines up
const font = "12px system-ui, sans-serif";

// Where the cell of each value ends, halfway to its neighbours; one more than there are values.
function edges(values) {
  const last = values.length - 1;
  if (last < 1) return [(values[0] ?? 0) - 0.5, (values[0] ?? 0) + 0.5];
  const inner = values.slice(1).map((x, i) => (x + values[i]) / 2);
  return [values[0] - (inner[0] - values[0]), ...inner, values[last] + (values[last] - inner[last - 1])];
}

// For each of `pixels` pixels the first and the last cell that it covers.
function covered(edge, pixels) {
  const from = edge[0];
  const scale = (edge.at(-1) - from) / pixels;
  const spans = new Int32Array(2 * pixels);
  let cell = 0;
  for (let i = 0; i < pixels; ++i) {
    while (cell < edge.length - 2 && edge[cell + 1] <= from + i * scale) ++cell;
    spans[2 * i] = cell;
    let last = cell;
    while (last < edge.length - 2 && edge[last + 1] < from + (i + 1) * scale) ++last;
    spans[2 * i + 1] = last;
  }
  return spans;
}

// Round numbers within [low, high], about `count` of them.
export function ticks(low, high, count) {
  if (low === high) return [low];
  const raw = (high - low) / Math.max(count, 1);
  const size = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((m) => m * size).find((s) => s >= raw) ?? size;
  const result = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; ++i)
    result.push(Number((i * step).toPrecision(12)));
  return result;
}

export class CellMap {
  // x, y: {label, values (ascending), up: true where y grows upwards}. cells: {pixel(row, column) → a packed colour or
  // −kind, rank(row, column) → which of several cells in one pixel shows: the highest}. pick(x value, y value), optional.
  constructor({ label, x, y, cells, height, pick, crossed = true }) {
    Object.assign(this, { x, y, cells, height, pick });
    this.edges = { x: edges(x.values), y: edges(y.values) };
    this.canvas = el("canvas", { class: "map-canvas" });
    this.cross = crossed ? [el("div", { class: "cross across" }), el("div", { class: "cross down" })] : [];
    this.frame = el("div", { class: "map-frame" }, this.canvas, this.cross);
    this.element = el(
      "div",
      { class: "plot" },
      el("div", { class: "axis-label" }, "↓ ", math(y.label)),
      this.frame,
      el("div", { class: "axis-label at-x" }, math(x.label), " →"),
    );
    if (y.up) this.element.firstChild.firstChild.textContent = "↑ ";
    describe(this.canvas, label);
    new ResizeObserver(() => this.draw()).observe(this.frame);
    onTheme(() => this.draw());
    if (pick) this.listen();
  }

  measure() {
    this.area = {
      left: margin.left,
      top: margin.top,
      width: Math.max(this.frame.clientWidth - margin.left - margin.right, 1),
      height: this.height - margin.top - margin.bottom,
    };
  }

  listen() {
    const at = (event) => {
      const { left, top, width, height } = this.area;
      const box = this.frame.getBoundingClientRect();
      const along = (edge, t) => edge[0] + (edge.at(-1) - edge[0]) * Math.min(Math.max(t, 0), 1);
      const down = (event.clientY - box.top - top) / height;
      const x = along(this.edges.x, (event.clientX - box.left - left) / width);
      const y = along(this.edges.y, this.y.up ? 1 - down : down);
      this.pick(this.x.values[nearest(this.x.values, x)], this.y.values[nearest(this.y.values, y)]);
    };
    this.frame.classList.add("pickable");
    this.frame.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      this.frame.setPointerCapture(event.pointerId);
      at(event);
    });
    this.frame.addEventListener("pointermove", (event) => event.buttons & 1 && at(event));
  }

  toX(value) {
    const [low, high] = [this.edges.x[0], this.edges.x.at(-1)];
    return this.area.left + (this.area.width * (value - low)) / (high - low);
  }
  toY(value) {
    const [low, high] = [this.edges.y[0], this.edges.y.at(-1)];
    const t = (value - low) / (high - low);
    return this.area.top + this.area.height * (this.y.up ? 1 - t : t);
  }

  // Moves the cross to the cells nearest to x and y; null leaves an arm out. Its lines stand around those cells, so that
  // a row of few pixels is still seen.
  point(x, y) {
    const [across, down] = this.cross;
    this.pointed = [x, y];
    if (!this.area) return; // not drawn yet
    across.hidden = y === null;
    down.hidden = x === null;
    const around = (axis, value, to) => {
      const cell = nearest(this[axis].values, value);
      const ends = [to(this.edges[axis][cell]), to(this.edges[axis][cell + 1])];
      return [Math.min(...ends), Math.max(Math.abs(ends[1] - ends[0]), 1)];
    };
    if (y !== null) {
      const [top, height] = around("y", y, (value) => this.toY(value));
      Object.assign(across.style, { top: `${top}px`, height: `${height}px` });
    }
    if (x !== null) {
      const [left, width] = around("x", x, (value) => this.toX(value));
      Object.assign(down.style, { left: `${left}px`, width: `${width}px` });
    }
  }

  draw() {
    if (this.frame.clientWidth === 0) return;
    const ratio = Math.min(devicePixelRatio || 1, 2);
    this.frame.style.height = `${this.height}px`;
    this.measure();
    this.canvas.width = Math.round(this.frame.clientWidth * ratio);
    this.canvas.height = Math.round(this.height * ratio);
    const context = this.canvas.getContext("2d");
    const { left, top, width, height } = this.area;
    const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
    context.putImageData(this.painted(w, h), Math.round(left * ratio), Math.round(top * ratio));
    context.scale(ratio, ratio);
    this.drawAxes(context);
    if (this.pointed) this.point(...this.pointed);
  }

  painted(w, h) {
    const image = new ImageData(w, h);
    const pixels = new Uint32Array(image.data.buffer);
    const columns = covered(this.edges.x, w);
    const rows = covered(this.edges.y, h);
    const tiles = kindTiles();
    for (let py = 0; py < h; ++py) {
      const line = this.y.up ? h - 1 - py : py;
      for (let px = 0; px < w; ++px) {
        const value = this.shown(rows[2 * line], rows[2 * line + 1], columns[2 * px], columns[2 * px + 1]);
        pixels[py * w + px] = value < 0 ? tiles[-value][(py & 7) * 8 + (px & 7)] : value;
      }
    }
    return image;
  }

  // Of all cells in one pixel the most telling.
  shown(row0, row1, column0, column1) {
    if (row0 === row1 && column0 === column1) return this.cells.pixel(row0, column0);
    let [best, row, column] = [-Infinity, row0, column0];
    for (let r = row0; r <= row1; ++r) {
      for (let c = column0; c <= column1; ++c) {
        const rank = this.cells.rank(r, c);
        if (rank > best) [best, row, column] = [rank, r, c];
      }
    }
    return this.cells.pixel(row, column);
  }

  drawAxes(context) {
    const { left, top, width, height } = this.area;
    context.font = font;
    context.fillStyle = color("ink-soft");
    context.strokeStyle = color("line");
    context.strokeRect(left - 0.5, top - 0.5, width + 1, height + 1);
    const whole = (list) => list.filter((v) => !this.x.whole || Number.isInteger(v));
    context.textBaseline = "top";
    for (const value of whole(ticks(this.x.values[0], this.x.values.at(-1), width / 50))) {
      context.textAlign = "center";
      context.fillRect(this.toX(value) - 0.5, top + height, 1, 4);
      context.fillText(String(value).replace("-", "−"), this.toX(value), top + height + 7);
    }
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const value of whole(ticks(this.y.values[0], this.y.values.at(-1), height / 40))) {
      context.fillRect(left - 5, this.toY(value) - 0.5, 4, 1);
      context.fillText(String(value).replace("-", "−"), left - 8, this.toY(value));
    }
  }
}
