// What changes over the updates: the loss, the gradient's norm and its clipping, the singular values of W.
import { el } from "../dom.js";
import { decades, extent } from "../data.js";
import { Chart } from "../chart.js";
import { NUMBER } from "../magnitude.js";

const logs = (list) => list.map(({ log10, kind }) => (kind === NUMBER ? log10 : null));
const plains = (list) => list.map(({ log10, kind }) => (kind === NUMBER ? 10 ** log10 : kind === 1 ? 0 : null));
const kindsOf = (list) => list.map(({ kind }) => kind);

// A chart over updates, drawn once; the line of the cursor follows.
function overUpdates(run, cursor, options, data, kinds) {
  const chart = new Chart({ ...options, x: { label: "update", whole: true, pick: (update) => cursor.set({ update }) } });
  chart.draw([run.updates, ...data], kinds);
  cursor.follow(() => chart.point(run.updates[run.rowAt(cursor.update)]));
  return chart;
}

export const loss = {
  title: "Loss",
  reading: "What training is after. Beside it the gray line is the answer that ignores the input: a run that stays there has learnt nothing from the past.",
  ranges(runs) {
    const found = extent(...runs.map((run) => plains(run.loss)), runs.map((run) => run.result?.trivial_loss));
    const wide = found && found[0] > 0 && found[1] / found[0] > 100;
    return { log: Boolean(wide), range: !found ? [0, 1] : wide ? decades(found.map(Math.log10)) : [Math.min(0, found[0]), found[1] * 1.05 || 1] };
  },
  build(run, { cursor, lossRanges: { log, range } }) {
    const trivial = run.result?.trivial_loss;
    return overUpdates(
      run,
      cursor,
      {
        label: `Loss over updates for ${run.name}.`,
        y: { label: log ? "loss (log scale)" : "loss", log, range },
        lines: [{ name: "loss", color: "actual" }],
        threshold: typeof trivial === "number" ? { value: log ? Math.log10(trivial) : trivial, name: "ignoring the input" } : null,
      },
      [log ? logs(run.loss) : plains(run.loss)],
      kindsOf(run.loss),
    ).element;
  },
};

export const norm = {
  title: "Norm of the whole gradient, before and after clipping",
  reading:
    "The norm of ∂L/∂θ over all parameters. Clipping scales whatever exceeds the threshold back to it: it tames an explosion, " +
    "and can do nothing for what has vanished. A triangle at the top marks an update that was clipped.",
  ranges: (runs) => decades(extent(...runs.flatMap((run) => [logs(run.gradient_norm), logs(run.clipped_gradient_norm)]))),
  build(run, { cursor, normRanges: range }) {
    const lines = [{ name: "before clipping", color: "actual" }];
    if (run.clip > 0) lines.push({ name: "after clipping", color: "product", dash: "mixed" });
    const chart = overUpdates(
      run,
      cursor,
      {
        label: `Gradient norm over updates for ${run.name}, before and after clipping.`,
        y: { label: "‖∂L/∂θ‖", log: true, range },
        lines,
        threshold: run.clip > 0 ? { value: Math.log10(run.clip), name: `threshold ${run.clip}` } : null,
        flags: { name: "clipped", at: run.updates.filter((_, row) => run.clipped?.[row]) },
      },
      run.clip > 0 ? [logs(run.gradient_norm), logs(run.clipped_gradient_norm)] : [logs(run.gradient_norm)],
      kindsOf(run.gradient_norm),
    );
    const count = run.clipped?.filter(Boolean).length ?? 0;
    const words = run.clip > 0 ? `clipped at ${count} of the ${run.updates.length} updates shown` : "not clipped";
    return el("div", {}, el("p", { class: "figure" }, words), chart.element);
  },
};

export const weights = {
  title: "The recurrent matrix W",
  reading:
    "Singular values of W: the greatest, λ, is the most that W stretches any direction, and the bound's λ; the band reaches down to the least. " +
    "The spectral radius ρ is not a bound. λ₁ < 0 means that gradients do vanish, λ₁ > 0 that they do explode.",
  ranges(runs) {
    const range = decades(extent(...runs.flatMap((run) => [logs(run.lambda), logs(run.sigma_mean)]), [0]));
    const least = extent(...runs.flatMap((run) => [logs(run.sigma_min), logs(run.rho)]));
    const rates = extent([0], ...runs.map((run) => run.lyapunov ?? []));
    const pad = Math.max((rates[1] - rates[0]) * 0.1, 0.05);
    return { range: decades([Math.min(range[0], Math.max(least?.[0] ?? 0, range[1] - 8)), range[1]]), rates: [rates[0] - pad, rates[1] + pad] };
  },
  build(run, { cursor, weightsRanges: { range, rates } }) {
    if (run.lambda.length === 0) return null;
    const measured = run.lyapunov?.some((rate) => typeof rate === "number");
    const lines = [
      { name: "λ = ‖W‖₂, greatest singular value", color: "bound", dash: "dashed" },
      { name: "mean singular value", color: "actual" },
      { name: "least singular value", color: "soft" },
      { name: "ρ, spectral radius", color: "product", dash: "mixed" },
    ];
    const data = [run.lambda, run.sigma_mean, run.sigma_min, run.rho].map((list) => (list.length ? logs(list) : run.updates.map(() => null)));
    if (measured) {
      lines.push({ name: "λ₁, Lyapunov exponent (right axis)", color: "rate", dots: "only", size: 7, axis: "y2" });
      data.push(run.lyapunov.map((rate) => rate ?? null));
    }
    return overUpdates(
      run,
      cursor,
      {
        label: `Singular values and spectral radius of W over updates for ${run.name}.`,
        y: { label: "size", log: true, range },
        y2: measured ? { label: "λ₁ a step", range: rates } : null,
        lines,
        slack: [0, 2],
      },
      data,
    ).element;
  },
};
