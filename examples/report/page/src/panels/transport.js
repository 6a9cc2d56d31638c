// How much of a change in each state reaches the last one, ‖∂s_T/∂s_k‖₂, measured, beside three estimates of it.
import { el } from "../dom.js";
import { decades, extent } from "../data.js";
import { Chart } from "../chart.js";

export const title = "Transport: how far a change in a state reaches";
export const reading =
  "Each estimate is cruder than the one below it: a product of norms ignores directions, (γλ)^(T−k) also ignores saturation. " +
  "The dotted line is what λ₁, the mean rate at which the net stretches, predicts: where it follows the measured line, λ₁ is the true criterion.";

const line = (values) => values.map((x) => x ?? null);

export function range(runs) {
  const measured = runs.flatMap((run) => run.transport ?? []);
  if (measured.length === 0) return null;
  const actual = extent(...measured.flatMap((m) => [m.log10_norm, m.log10_product])) ?? [-1, 1];
  const room = Math.max(3, (actual[1] - actual[0]) * 0.4);
  const bounds = runs.flatMap((run) => (run.transport ?? []).map((m) => run.time * run.logBound(m.row)));
  const bound = extent(bounds) ?? actual;
  return decades([
    Math.max(Math.min(actual[0], bound[0]), actual[0] - room),
    Math.min(Math.max(actual[1], bound[1], 0), actual[1] + room),
  ]);
}

export function build(run, { cursor, ranges }) {
  if (!run.transport) return el("p", { class: "missing" }, "Not measured in this run: log it with --transport.");
  const chart = new Chart({
    label: `Spectral norm of ∂s_T/∂s_k against step k for ${run.name}, with the product of norms, the bound and the rate of λ₁.`,
    x: { label: "step k", whole: true, pick: (step) => cursor.set({ step }) },
    y: { label: "‖∂s_T/∂s_k‖₂", log: true, range: () => ranges.of(range, run) },
    lines: [
      { name: "‖∂s_T/∂s_k‖₂, measured", color: "actual", width: 2.5 },
      { name: "Π ‖diag(σ′) W‖₂, product of norms", color: "product", dash: "mixed" },
      { name: "(γλ)^(T−k), the article's bound", color: "bound", dash: "dashed" },
      { name: "e^{λ₁(T−k)}, by the Lyapunov exponent", color: "rate", dash: "dotted" },
    ],
    slack: [2, 0],
  });
  ranges.onChange(() => chart.build());
  const note = el("p", { class: "figure" });
  let shown;
  cursor.follow(() => {
    const measured = run.transportAt(run.rowAt(cursor.update));
    if (measured !== shown) {
      shown = measured;
      const { row } = measured;
      const rate = run.lyapunov?.[row];
      const back = (perStep) => run.steps.map((k) => (Number.isFinite(perStep) ? (run.time - k) * perStep : null));
      chart.draw([
        run.steps,
        line(measured.log10_norm),
        line(measured.log10_product),
        back(run.logBound(row)),
        back(typeof rate === "number" ? rate / Math.LN10 : NaN),
      ]);
      note.replaceChildren(
        `measured at update ${run.updates[row]}`,
        typeof rate === "number" ? ` · λ₁ = ${rate.toFixed(3).replace("-", "−")} a step` : "",
      );
    }
    chart.point(cursor.step);
  });
  return el("div", {}, note, chart.element);
}
