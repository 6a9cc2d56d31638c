// What changes over the updates: the loss, the gradient's norm and its clipping, the singular values of W.
import { el } from "../dom.js";
import { decades, extent } from "../data.js";
import { Chart } from "../chart.js";
import { NUMBER, plain } from "../magnitude.js";

const logs = (list) => list.map(({ log10, kind }) => (kind === NUMBER ? log10 : null));
const plains = (list) => list.map(({ value }) => value ?? null);
const kindsOf = (list) => list.map(({ kind }) => kind);

// A chart over updates, drawn once; the line of the cursor follows.
function overUpdates(run, { cursor, ranges }, options, data, kinds) {
  const chart = new Chart({
    ...options,
    x: { label: "update", whole: true, pick: (update) => cursor.set({ update }) },
  });
  chart.draw([run.updates, ...data], kinds);
  ranges.onChange(() => chart.build());
  cursor.follow(() => chart.point(run.updates[run.rowAt(cursor.update)]));
  return chart;
}

const lossExtent = (runs) =>
  extent(
    ...runs.map((run) => plains(run.loss)),
    runs.map((run) => run.trivialLoss),
  );

function spansDecades(runs) {
  const found = lossExtent(runs);
  return Boolean(found) && found[0] > 0 && found[1] / found[0] > 100;
}

export const loss = {
  title: "Loss",
  reading:
    "What training is to lower. The dotted line is the best answer that ignores the input: a run that stays there has learnt nothing from the past.",
  range(runs) {
    const [low, high] = lossExtent(runs) ?? [0, 1];
    return [Math.min(0, low), Math.max(high, 0) * 1.05 || (low < 0 ? 0 : 1)];
  },
  logRange: (runs) => decades(lossExtent(runs).map(Math.log10)),
  build(run, context) {
    const log = spansDecades(context.ranges.runs);
    const trivial = run.trivialLoss;
    return overUpdates(
      run,
      context,
      {
        label: `Loss over updates for ${run.name}.`,
        y: {
          label: log ? "loss (log scale)" : "loss",
          log,
          range: () => context.ranges.of(log ? loss.logRange : loss.range, run),
        },
        lines: [{ name: "loss", color: "actual" }],
        threshold:
          trivial === null
            ? null
            : { value: log ? Math.log10(trivial) : trivial, name: `ignoring the input: ${plain(trivial)}` },
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
  range: (runs) =>
    decades(extent(...runs.flatMap((run) => [logs(run.gradient_norm), logs(run.clipped_gradient_norm)]))),
  build(run, context) {
    const lines = [{ name: "before clipping", color: "actual" }];
    if (run.clip > 0) lines.push({ name: "after clipping", color: "product", dash: "mixed" });
    const chart = overUpdates(
      run,
      context,
      {
        label: `Gradient norm over updates for ${run.name}, before and after clipping.`,
        y: { label: "‖∂L/∂θ‖", log: true, range: () => context.ranges.of(norm.range, run) },
        lines,
        threshold: run.clip > 0 ? { value: Math.log10(run.clip), name: `threshold ${run.clip}` } : null,
        flags: { name: "clipped", at: run.updates.filter((_, row) => run.clipped?.[row]) },
      },
      run.clip > 0 ? [logs(run.gradient_norm), logs(run.clipped_gradient_norm)] : [logs(run.gradient_norm)],
      kindsOf(run.gradient_norm),
    );
    const count = run.clipped?.filter(Boolean).length ?? 0;
    const words = run.clip > 0 ? `clipped at ${count} of ${run.updates.length} updates` : "not clipped";
    return el("div", {}, el("p", { class: "figure" }, words), chart.element);
  },
};

export const weights = {
  title: "The recurrent matrix W",
  reading:
    "Singular values of W: the greatest, λ, is the most that W stretches any direction, and the bound's λ; the band reaches down to the least. " +
    "The spectral radius ρ is not a bound. λ₁, the rate at which the net in motion really stretches, decides: below 0 gradients vanish, above 0 they explode.",
  // The least singular value may be next to nothing: it isn't followed below eight decades.
  range(runs) {
    const great = extent([0], ...runs.flatMap((run) => [logs(run.lambda), logs(run.sigma_mean)]));
    const least = extent(great, ...runs.flatMap((run) => [logs(run.sigma_min), logs(run.rho)]));
    return decades([Math.max(least[0], great[1] - 8), great[1]]);
  },
  rates(runs) {
    const [low, high] = extent([0], ...runs.map((run) => run.lyapunov ?? []));
    const pad = Math.max((high - low) * 0.1, 0.05);
    return [low - pad, high + pad];
  },
  build(run, context) {
    if (run.lambda.length === 0) return null;
    const measured = run.lyapunov?.some((rate) => typeof rate === "number");
    const lines = [
      { name: "λ = ‖W‖₂, greatest singular value", color: "bound", dash: "dashed" },
      { name: "mean singular value", color: "actual" },
      { name: "least singular value", color: "soft" },
      { name: "ρ, spectral radius", color: "product", dash: "mixed" },
    ];
    const data = [run.lambda, run.sigma_mean, run.sigma_min, run.rho].map((list) =>
      list.length ? logs(list) : run.updates.map(() => null),
    );
    if (measured) {
      lines.push({ name: "λ₁, Lyapunov exponent (right axis)", color: "rate", dots: "only", size: 7, axis: "y2" });
      data.push(run.lyapunov.map((rate) => rate ?? null));
    }
    return overUpdates(
      run,
      context,
      {
        label: `Singular values and spectral radius of W over updates for ${run.name}.`,
        y: { label: "singular values, ρ", log: true, range: () => context.ranges.of(weights.range, run) },
        y2: measured ? { label: "λ₁ a step", range: () => context.ranges.of(weights.rates, run) } : null,
        lines,
        slack: [0, 2],
      },
      data,
    ).element;
  },
};
