// What each step adds to ∂L/∂W, by lag: the share of ‖C_k‖ in the sum of all, and what the lags up to there add up to.
import { el } from "../dom.js";
import { extent } from "../data.js";
import { Chart } from "../chart.js";

export const title = "Who writes the update: contributions by lag";
export const reading =
  "∂L/∂W is a sum over steps. Where the cumulative line is at 100 % after a few lags, only the last few steps teach W: " +
  "the update itself doesn't vanish, its memory does.";

// Shares by lag, from 0 on, of one row: log₁₀ of each, and the sums in per cent.
function shares(run, row) {
  const columns = run.steps.flatMap((k, c) => (k >= 1 ? [c] : [])).reverse();
  const logs = columns.map((c) => run.contribution.at(row, c).log10);
  const largest = extent(logs)?.[1] ?? 0;
  const total = logs.reduce((sum, x) => sum + (Number.isNaN(x) ? 0 : 10 ** (x - largest)), 0);
  let sum = 0;
  const share = logs.map((x) => (Number.isNaN(x) ? null : x - largest - Math.log10(total)));
  const cumulative = share.map((x) => (total > 0 ? 100 * (sum += x === null ? 0 : 10 ** x) : null));
  const kinds = columns.map((c) => run.contribution.at(row, c).kind);
  return { lags: columns.map((c) => run.time - run.steps[c]), share, cumulative, kinds };
}

export function range(runs) {
  const logged = runs.filter((run) => run.contribution);
  if (logged.length === 0) return null;
  const ends = logged.flatMap((run) =>
    [0, run.updates.length >> 1, run.updates.length - 1].flatMap((row) => extent(shares(run, row).share) ?? []),
  );
  return [Math.min(Math.floor(Math.max(extent(ends)?.[0] ?? -1, -50)), -1), 0];
}

export function build(run, { cursor, ranges }) {
  if (!run.contribution) return el("p", { class: "missing" }, "Not measured in this run: log it with --contributions.");
  const chart = new Chart({
    label: `Share of each step's contribution to ∂L/∂W by lag for ${run.name}, and the cumulative share.`,
    x: { label: "lag T − k, steps before the last", whole: true, pick: (lag) => cursor.set({ step: run.time - lag }) },
    y: { label: run.steps.length > run.time ? "share of Σ‖C_k‖" : "share of Σ‖C_k‖ over the steps shown", log: true, range: () => ranges.of(range, run) },
    y2: { label: "cumulative, %", range: [0, 104] },
    lines: [
      { name: "share of this lag", color: "actual", width: 2.5 },
      { name: "cumulative, % (right axis)", color: "product", dash: "dashed", axis: "y2" },
    ],
  });
  ranges.onChange(() => chart.build());
  let shown;
  cursor.follow(() => {
    const row = run.rowAt(cursor.update);
    if (row !== shown) {
      shown = row;
      const { lags, share, cumulative, kinds } = shares(run, row);
      chart.draw([lags, share, cumulative], kinds);
    }
    chart.point(run.time - cursor.step);
  });
  return chart.element;
}
