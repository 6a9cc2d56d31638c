// An experiment of the laboratory: its claim, each figure against its limit, its charts and maps.
import { el, math } from "./dom.js";
import { bar } from "./legend.js";
import { Chart } from "./chart.js";
import { merged } from "./cursor.js";
import { extent } from "./data.js";
import { CellMap } from "./map.js";
import { plain } from "./magnitude.js";
import { divergingPixel, sequentialPixel } from "./palette.js";

const strokes = ["actual", "bound", "product", "rate", "soft", "threshold"];
const dashes = ["solid", "dashed", "mixed", "dotted"];
// null: the experiment didn't come to its end.
const word = (passes) =>
  typeof passes === "boolean"
    ? el("strong", { class: passes ? "pass" : "fail" }, passes ? "✓ PASS" : "✗ FAIL")
    : el("strong", {}, "unfinished");

export function experiment({ name, claim, passes, checks = [], charts = [], grids = [] }) {
  return el(
    "section",
    { class: "kind", "aria-label": "Experiment" },
    el("h2", {}, `Experiment: ${name}`),
    el("p", { class: "claim" }, word(passes), " ", el("q", {}, claim)),
    checks.length > 0 ? table(checks) : null,
    el("div", { class: "panels" }, charts.map(chart), grids.map(grid)),
  );
}

function table(checks) {
  const cells = ({ what, value, limit, passes }) =>
    el(
      "tr",
      {},
      el("th", { scope: "row" }, math(what)),
      el("td", {}, typeof value === "number" ? plain(value) : String(value)),
      el("td", {}, math(limit)),
      el("td", {}, word(passes)),
    );
  const head = ["what was measured", "value", "must be", "verdict"].map((text) => el("th", { scope: "col" }, text));
  return el(
    "div",
    { class: "scrolls", tabindex: "0", role: "region", "aria-label": "Checks" },
    el("table", {}, el("thead", {}, el("tr", {}, head)), el("tbody", {}, checks.map(cells))),
  );
}

// On a log axis only what is above 0 has a place.
function chart({ title, x, y, log_y: log, curves }) {
  const xs = merged(curves.map(({ points }) => points.map(([at]) => at)));
  const values = curves.map(({ points }) => {
    const found = new Map(points);
    return xs.map((at) => {
      const value = found.get(at);
      if (typeof value !== "number") return null;
      return !log ? value : value > 0 ? Math.log10(value) : null;
    });
  });
  const lines = curves.map(({ name }, i) => ({
    name,
    color: strokes[i % strokes.length],
    dash: dashes[i % dashes.length],
    spanGaps: true,
    dots: xs.length < 2 ? "only" : false,
  }));
  const drawn = new Chart({
    label: `${title}: ${y} against ${x}.`,
    x: { label: x, pick: (at) => drawn.point(at) },
    y: { label: y, log },
    lines,
    height: 280,
  });
  drawn.draw([xs, ...values]);
  drawn.point(xs.at(-1));
  return el("div", { class: "panel" }, el("h3", {}, math(title)), drawn.element);
}

// Around 0 in two hues where values have both signs, else from dark to light.
function grid({ title, x, y, label, values }) {
  const range = extent(...values) ?? [0, 1];
  const signed = range[0] < 0 && range[1] > 0;
  const [low, high] = signed ? [-1, 1].map((sign) => sign * Math.max(-range[0], range[1])) : range;
  const paint = signed ? divergingPixel : sequentialPixel;
  const spread = ({ from, to }, count) =>
    Array.from({ length: count }, (_, i) => from + ((to - from) * i) / Math.max(count - 1, 1));
  const at = (row, column) => values[row]?.[column];
  const readout = el("p", { class: "readout" }, "Click the map to read a value.");
  const xs = spread(x, values[0]?.length ?? 0);
  const ys = spread(y, values.length);
  const map = new CellMap({
    label: `${title}: ${label} by ${x.label} and ${y.label}.`,
    x: { label: x.label, values: xs },
    y: { label: y.label, values: ys, up: true },
    height: 360,
    cells: {
      pixel: (r, c) => (typeof at(r, c) === "number" ? paint((at(r, c) - low) / (high - low || 1)) : -6),
      rank: (r, c) => Math.abs(at(r, c) ?? Infinity),
    },
    pick: (u, v) => {
      map.point(u, v);
      readout.textContent = `${x.label} ${plain(u)}, ${y.label} ${plain(v)}: ${label} ${plain(at(ys.indexOf(v), xs.indexOf(u)))}`;
    },
  });
  map.point(null, null);
  return el(
    "div",
    { class: "panel" },
    el("h3", {}, math(title)),
    map.element,
    readout,
    bar(paint, [plain(low), label, plain(high)]),
  );
}
