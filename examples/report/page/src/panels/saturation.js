// How stuck the units are: σ′(a_k) as a share of its maximum γ, by step at the cursor, and unit by unit.
import { el } from "../dom.js";
import { bar } from "../legend.js";
import { CellMap } from "../map.js";
import { Chart } from "../chart.js";
import { sequentialPixel } from "../palette.js";

export const title = "Saturation: how far units are from stuck";
export const reading =
  "Each step back multiplies by σ′. At 100 % a unit passes all it can; at 0 it is saturated and lets nothing through, " +
  "whatever W is. In the maps below, dark units are shut.";

export function build(run, { cursor }) {
  if (!run.saturation && !run.by_unit) return el("p", { class: "missing" }, "Not in this run's log.");
  const element = el("div", {});
  if (run.saturation) element.append(bySteps(run, cursor));
  if (run.by_unit)
    element.append(
      el(
        "div",
        { class: "units" },
        run.by_unit.map((entry) => byUnits(run, entry, cursor)),
      ),
      bar(sequentialPixel, ["0 %, shut", "50 %", "100 %, open"]),
    );
  return element;
}

function bySteps(run, cursor) {
  const chart = new Chart({
    label: `Mean of σ′/γ and share of shut units by step for ${run.name}.`,
    x: { label: "step k", whole: true, pick: (step) => cursor.set({ step }) },
    y: { label: "share, %", range: [0, 104] },
    lines: [
      { name: "mean σ′(a_k)/γ, %", color: "actual", width: 2.5 },
      { name: "units with σ′ < 0.05 γ, %", color: "bound", dash: "dashed" },
    ],
    height: 180,
  });
  const percent = (rows, row) =>
    run.steps.map((_, c) => (typeof rows?.[row]?.[c] === "number" ? 100 * rows[row][c] : null));
  let shown;
  cursor.follow(() => {
    const row = run.rowAt(cursor.update);
    if (row !== shown) {
      shown = row;
      chart.draw([run.steps, percent(run.saturation, row), percent(run.shut, row)]);
    }
    chart.point(cursor.step);
  });
  return chart.element;
}

function byUnits(run, { update, values, unit_steps: logged }, cursor) {
  const steps = logged ?? values.map((_, i) => i + 1);
  const units = values[0]?.length ?? 0;
  if (units === 0) return null;
  const at = (row, column) => values[column]?.[row];
  const map = new CellMap({
    label: `σ′/γ of each unit by step for ${run.name} at update ${update}.`,
    x: { label: "step k", values: steps, whole: true },
    y: { label: "unit", values: Array.from({ length: units }, (_, i) => i + 1), whole: true },
    cells: {
      pixel: (r, c) => (typeof at(r, c) === "number" ? sequentialPixel(at(r, c)) : -2),
      rank: (r, c) => 1 - (at(r, c) ?? 1), // the most shut of those that share a pixel
    },
    height: 150,
    pick: (step) => cursor.set({ step }),
  });
  cursor.follow(() => map.point(cursor.step >= steps[0] ? cursor.step : null, null));
  return el("figure", { class: "small" }, el("figcaption", {}, `each unit at update ${update}`), map.element);
}
