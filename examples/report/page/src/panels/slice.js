// One row of the heat map as a curve: ‖∂L/∂s_k‖ against k, beside what the article bounds it by.
import { el, math } from "../dom.js";
import { decades, extent } from "../data.js";
import { Chart } from "../chart.js";
import { fromLog10, plain } from "../magnitude.js";

export const title = "One way back: the slice at the cursor";
export const reading =
  "Read it from right to left, as the gradient travels. On this axis a straight line is an exponential: falling to the left is vanishing, " +
  "rising to the left is exploding. The dashed line is the most that the article's bound allows; the shaded slack is what the bound doesn't know.";

// One range for all updates, so that nothing jumps in playing. A bound that runs far off is cut.
export function range(runs) {
  const actual = extent(...runs.map((run) => run.heat.log10)) ?? [-1, 1];
  const bound = extent(runs.flatMap((run) => run.updates.map((_, row) => run.boundAtStart(row)))) ?? actual;
  const room = Math.max(3, (actual[1] - actual[0]) * 0.4);
  const floor = runs.some((run) => run.heat.kind.some((kind) => kind))
    ? Math.max(1, (actual[1] - actual[0]) * 0.08)
    : 0;
  return decades([actual[0] - floor, Math.min(Math.max(actual[1], bound[1]), actual[1] + room)]);
}

export function build(run, { cursor, ranges }) {
  const chart = new Chart({
    label: `Norm of ∂L/∂s_k against step k for ${run.name}, at the cursor's update, with the bound.`,
    x: { label: "step k", whole: true, pick: (step) => cursor.set({ step }) },
    y: { label: "‖∂L/∂s_k‖", log: true, range: () => ranges.of(range, run) },
    lines: [
      { name: "‖∂L/∂s_k‖", color: "actual", width: 2.5 },
      { name: `bound, (γλ)^{${run.anchor}−k} ‖∂L/∂s_{${run.anchor}}‖`, color: "bound", dash: "dashed" },
    ],
    slack: [1, 0],
    height: ranges.runs.length === 1 ? 430 : 220, // alone it stands beside the heat map and its legend
  });
  ranges.onChange(() => chart.build());
  const life = el("p", { class: "figure horizon" });
  let shown;
  cursor.follow(() => {
    const row = run.rowAt(cursor.update);
    if (row !== shown) {
      shown = row;
      chart.draw([run.steps, run.heat.line(row), run.bound(row)], run.heat.kindsOf(row));
      life.replaceChildren(...horizon(run, row));
    }
    chart.point(cursor.step);
  });
  return el("div", {}, life, chart.element);
}

// "2.6 steps back halve it · γλ = 0.0334: it had to shrink"
function horizon(run, row) {
  const steps = run.half_life?.[row];
  const parts = [];
  if (typeof steps === "number")
    parts.push(el("strong", {}, plain(steps)), ` steps back ${run.grows?.[row] ? "double" : "halve"} it · `);
  else parts.push("no half-life · ");
  const bound = run.logBound(row);
  return [
    ...parts,
    ...math(`γλ = ${Number.isNaN(bound) ? "–" : fromLog10(bound)}`),
    run.bound_says?.[row] ? `: ${run.bound_says[row]}` : "",
  ];
}
