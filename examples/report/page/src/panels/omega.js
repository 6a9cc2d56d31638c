// What each step back does to the norm: Pascanu's Ω_k, which his regulariser sums.
import { el } from "../dom.js";
import { decades, extent } from "../data.js";
import { Chart } from "../chart.js";

export const title = "Ω: what one step back changes";
export const reading =
  "Ω_k = (‖∂L/∂s_k‖ / ‖∂L/∂s_{k+1}‖ − 1)², 0 where a step back keeps the norm. Where it takes nearly all of it, 1; also where it doubles it; far above 1 it grows many times. " +
  "The regulariser (--omega) adds such terms to the loss, of squared norms, sequence by sequence, and so asks every step to keep them.";

// log10 Ω_k by column; null where a neighbour is missing or is no number, and from the anchor on, where the loss comes in.
function terms(run, row) {
  const log10 = run.heat.line(row);
  return run.steps.map((step, i) => {
    if (run.steps[i + 1] !== step + 1 || step >= run.anchor || log10[i] === null || log10[i + 1] === null) return null;
    const off = Math.abs(10 ** (log10[i] - log10[i + 1]) - 1);
    return off > 0 ? 2 * Math.log10(off) : null;
  });
}

const range = (runs) => {
  const [low, high] = extent(runs.flatMap((run) => run.updates.flatMap((_, row) => terms(run, row)))) ?? [-1, 1];
  return decades([Math.max(low, high - 12), Math.max(high, 0)]);
};

export function build(run, { cursor, ranges }) {
  if (run.anchor !== run.time)
    return el("p", { class: "missing" }, "For a loss at the last step alone: only there is Ω_k what the step does.");
  const chart = new Chart({
    label: `Ω_k against step k for ${run.name}, at the cursor's update.`,
    x: { label: "step k", whole: true, pick: (step) => cursor.set({ step }) },
    y: { label: "Ω_k", log: true, range: () => ranges.of(range, run) },
    lines: [{ name: "Ω_k", color: "actual", width: 2 }],
  });
  ranges.onChange(() => chart.build());
  let shown;
  cursor.follow(() => {
    const row = run.rowAt(cursor.update);
    if (row !== shown) chart.draw([run.steps, terms(run, row)]);
    shown = row;
    chart.point(cursor.step);
  });
  return chart.element;
}
