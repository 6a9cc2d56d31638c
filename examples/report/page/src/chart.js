// A line chart: uPlot with our axes, a key that tells the values at the cursor, and shading between two lines.
import uPlot from "uplot";
import { describe, el, math } from "./dom.js";
import { extent, nearest } from "./data.js";
import { fromLog10, kinds as allKinds, plain, power } from "./magnitude.js";
import { kindFill } from "./palette.js";
import { swatch } from "./swatch.js";
import { color, onTheme } from "./theme.js";

const left = 58;
const right = 20;
const font = "12px system-ui, sans-serif";
const zeros = new Set([1, 3, 4]); // zero, saturated, underflow
const dashes = { solid: [], dashed: [7, 4], dotted: [2, 3], mixed: [9, 3, 2, 3] };

export class Chart {
  // x: {label, pick(value)}. y, y2: {label, log, range: [low, high] or a function that gives it}; a log axis takes values
  // that are log₁₀ already.
  // lines: [{name, color (a name in style.css), dash, width, dots, axis: "y2"}]. slack: two lines' places, shaded between, and down
  // to the floor where the second is a zero.
  // threshold: a value of y with a line of its own, {value, name}. flags: triangles at the top, {name, at: [x, …]}.
  constructor({ label, x, y, y2, lines, slack, threshold, flags, height = 220 }) {
    Object.assign(this, { label, x, y, y2, lines, slack, threshold, flags: flags?.at.length ? flags : null, height });
    this.host = el("div", { class: "chart-host" });
    this.values = lines.map(() => el("span", { class: "value" }));
    this.key = el(
      "ul",
      { class: "key" },
      lines.map((line, i) => this.entry(line, i)),
      threshold && this.entry({ ...threshold, color: "threshold", dash: "dotted" }),
      this.flags && el("li", {}, el("span", { class: "flag", "aria-hidden": "true" }, "▼"), this.flags.name),
    );
    this.element = el(
      "div",
      { class: "plot" },
      el(
        "div",
        { class: "axis-labels" },
        el("div", { class: "axis-label" }, "↑ ", math(y.label)),
        y2 && el("div", { class: "axis-label" }, math(y2.label), " ↑"),
      ),
      this.host,
      el("div", { class: "axis-label at-x" }, math(x.label), " →"),
      this.key,
    );
    this.mark = el("div", { class: "cross down" });
    new ResizeObserver(() => this.fit()).observe(this.host);
    onTheme(() => this.build());
  }

  entry(line, i) {
    const stroke = `stroke: var(--${line.color})`;
    const sample = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    for (const [name, value] of [
      ["viewBox", "0 0 28 8"],
      ["class", "sample"],
      ["aria-hidden", "true"],
    ])
      sample.setAttribute(name, value);
    const stretch = document.createElementNS("http://www.w3.org/2000/svg", "path");
    stretch.setAttribute("d", line.dots === "only" ? "M13 4h2" : "M1 4h26");
    stretch.setAttribute("class", line.dots === "only" ? "dot" : "");
    stretch.style.stroke = `var(--${line.color})`;
    stretch.style.strokeDasharray = (dashes[line.dash ?? "solid"] ?? []).join(" ");
    sample.append(stretch);
    return el("li", {}, sample, el("span", {}, math(line.name)), this.values[i] ?? null);
  }

  // data: [xs, ys, ys, …] with nulls. kinds: what stands at each x where a line has no number, shown on the floor.
  draw(data, kinds = null) {
    this.data = data;
    this.kinds = kinds;
    this.listKinds();
    if (this.plot) this.plot.setData(this.drawn());
    else this.build();
    if (this.pointed !== undefined) this.point(this.pointed);
  }

  // What uPlot gets: one more line, unseen, where shading ends.
  drawn() {
    if (!this.slack) return this.data;
    const lower = this.data[this.slack[1] + 1];
    return [...this.data, lower.map((y, i) => (y === null && zeros.has(this.kinds?.[i]) ? -1e4 : y))];
  }

  // The key says which patterns are on the floor.
  listKinds() {
    const present = [...new Set(this.kinds ?? [])].filter((kind) => kind).sort();
    if (present.join() === this.listed) return;
    this.listed = present.join();
    for (const entry of this.key.querySelectorAll(".of-kind")) entry.remove();
    this.key.append(...present.map((kind) => el("li", { class: "of-kind" }, swatch(kind), allKinds[kind].word)));
  }

  // Moves the line to x and tells the values there.
  point(x) {
    this.pointed = x;
    if (!this.data || !this.plot) return;
    const at = nearest(this.data[0], x);
    this.mark.style.left = `${this.plot.valToPos(this.data[0][at], "x")}px`;
    this.lines.forEach((line, i) => {
      const value = this.data[i + 1][at];
      const log = (line.axis === "y2" ? this.y2 : this.y).log;
      const kind = i === 0 ? this.kinds?.[at] : 0;
      const missing = value === null || value === undefined;
      this.values[i].textContent = missing ? (kind ? allKinds[kind].word : "–") : log ? fromLog10(value) : plain(value);
    });
  }

  fit() {
    if (this.plot && this.host.clientWidth > 0)
      this.plot.setSize({ width: this.host.clientWidth, height: this.height });
    else if (this.data) this.build();
    if (this.pointed !== undefined) this.point(this.pointed);
  }

  build() {
    this.plot?.destroy();
    this.plot = null;
    if (!this.data || this.host.clientWidth === 0) return;
    this.plot = new uPlot(this.options(), this.drawn(), this.host);
    this.plot.over.append(this.mark);
    if (this.x.pick) this.listen();
    describe(this.plot.ctx.canvas, this.label);
    if (this.pointed !== undefined) this.point(this.pointed);
  }

  options() {
    return {
      width: this.host.clientWidth,
      height: this.height,
      padding: [8, this.y2 ? 0 : right, 0, 0],
      legend: { show: false },
      cursor: { show: false },
      scales: {
        x: { time: false, range: () => this.range(this.x, [0]) },
        y: { range: () => this.range(this.y, this.places("y")) },
        ...(this.y2 && { y2: { range: () => this.range(this.y2, this.places("y2")) } }),
      },
      axes: [this.axis(this.x, "x"), this.axis(this.y, "y"), ...(this.y2 ? [this.axis(this.y2, "y2")] : [])],
      series: [
        {},
        ...this.lines.map((line) => series(line)),
        ...(this.slack ? [{ stroke: "transparent", width: 0, points: { show: false } }] : []),
      ],
      bands: this.slack ? [{ series: [this.slack[0] + 1, this.lines.length + 1], fill: color("slack") }] : [],
      hooks: {
        draw: [(plot) => this.drawKinds(plot), (plot) => this.drawThreshold(plot), (plot) => this.drawFlags(plot)],
      },
    };
  }

  places(axis) {
    return this.lines.flatMap((line, i) => ((line.axis ?? "y") === axis ? [i + 1] : []));
  }

  range(axis, places) {
    if (axis.range) return typeof axis.range === "function" ? axis.range() : axis.range;
    const found = extent(...places.map((place) => this.data[place])) ?? [0, 1];
    const pad = (found[1] - found[0]) * 0.06 || Math.abs(found[0]) * 0.1 || 1;
    return places[0] === 0
      ? found[0] === found[1]
        ? [found[0] - 0.5, found[1] + 0.5]
        : found
      : [found[0] - pad, found[1] + pad];
  }

  axis({ log, whole }, scale) {
    const stroke = color("ink-soft");
    const lines = { stroke: color("grid"), width: 1, show: scale !== "y2" };
    const side = { x: 2, y: 3, y2: 1 }[scale];
    const size = scale === "x" ? 26 : scale === "y" ? left : 48;
    const steps = log || whole ? [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 1e5, 1e6] : undefined;
    return {
      scale,
      side,
      size,
      stroke,
      font,
      grid: lines,
      ticks: { stroke: color("line"), size: 4 },
      gap: 3,
      space: scale === "x" ? 60 : 30,
      ...(steps && { incrs: steps }),
      values: (_, list) =>
        list.map((v) => (v === null ? "" : log ? power(v) : String(Number(v.toPrecision(6))).replace("-", "−"))),
    };
  }

  // Zeros, NaN and infinity have no place on a log axis: their patterns stand on the floor of the chart.
  drawKinds(plot) {
    if (!this.kinds) return;
    const { ctx, bbox } = plot;
    const xs = this.data[0];
    const height = 10 * devicePixelRatio;
    const fills = new Map();
    ctx.save();
    for (let i = 0; i < xs.length; ++i) {
      const kind = this.kinds[i];
      if (!kind) continue;
      if (!fills.has(kind)) fills.set(kind, kindFill(ctx, kind));
      const from = plot.valToPos(i > 0 ? (xs[i - 1] + xs[i]) / 2 : xs[i], "x", true);
      const to = plot.valToPos(i + 1 < xs.length ? (xs[i] + xs[i + 1]) / 2 : xs[i], "x", true);
      ctx.fillStyle = fills.get(kind);
      ctx.fillRect(from, bbox.top + bbox.height - height, Math.max(to - from, 1), height);
    }
    ctx.restore();
  }

  drawThreshold(plot) {
    if (!this.threshold) return;
    const { ctx, bbox } = plot;
    const y = plot.valToPos(this.threshold.value, "y", true);
    if (y < bbox.top || y > bbox.top + bbox.height) return;
    ctx.save();
    ctx.strokeStyle = color("threshold");
    ctx.lineWidth = 1.5 * devicePixelRatio;
    ctx.setLineDash(dashes.dotted.map((x) => x * devicePixelRatio));
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    ctx.restore();
  }

  drawFlags(plot) {
    if (!this.flags) return;
    const { ctx, bbox } = plot;
    const size = 4 * devicePixelRatio;
    ctx.save();
    ctx.fillStyle = color("bound");
    for (const at of this.flags.at) {
      const x = plot.valToPos(at, "x", true);
      ctx.beginPath();
      ctx.moveTo(x - size, bbox.top);
      ctx.lineTo(x + size, bbox.top);
      ctx.lineTo(x, bbox.top + 1.6 * size);
      ctx.fill();
    }
    ctx.restore();
  }

  listen() {
    const { over } = this.plot;
    over.classList.add("pickable");
    const at = (event) => {
      const value = this.plot.posToVal(event.clientX - over.getBoundingClientRect().left, "x");
      this.x.pick(this.data[0][nearest(this.data[0], value)]);
    };
    over.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      over.setPointerCapture(event.pointerId);
      at(event);
    });
    over.addEventListener("pointermove", (event) => event.buttons & 1 && at(event));
  }
}

// Points that no line leads to or from: without dots they couldn't be seen.
function lonely(plot, place) {
  const ys = plot.data[place];
  return [...ys.keys()].filter(
    (i) => (ys[i] ?? null) !== null && (ys[i - 1] ?? null) === null && (ys[i + 1] ?? null) === null,
  );
}

function series(line) {
  const stroke = color(line.color);
  const only = line.dots === "only";
  return {
    scale: line.axis ?? "y",
    stroke,
    width: only ? 0 : (line.width ?? 2),
    dash: dashes[line.dash ?? "solid"],
    points: { show: true, size: line.size ?? 5, stroke, fill: stroke, ...(!line.dots && { filter: lonely }) },
    ...(only && { paths: () => null }),
    spanGaps: line.spanGaps ?? false,
  };
}
