// node samples.mjs TEMPLATE FOLDER: reports of made-up runs, the same in every run of this script, for what real ones
// seldom show: hostile names, every kind of magnitude in one map, two million cells.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const hostile = `</script><img src=x onerror="document.title='owned'"><!--<script>"'&amp;\u2028`;

// A linear congruential generator: numbers in [0, 1).
function numbers(seed) {
  let state = seed;
  return () => (state = (state * 1103515245 + 12345) % 2147483648) / 2147483648;
}

const range = (from, to, by = 1) => Array.from({ length: Math.floor((to - from) / by) + 1 }, (_, i) => from + i * by);
const rounded = (x) => Number(x.toPrecision(4));

// A run of T steps whose gradient changes by 10^rate(row) a step back; below 1e-45 it underflows.
function run({
  name,
  T = 100,
  updates = range(0, 1000, 10),
  rate,
  gamma = 1,
  clip = 0,
  loss,
  special = () => null,
  seed = 1,
  parts = {},
}) {
  const random = numbers(seed);
  const steps = range(0, T);
  const count = updates.length;
  const cell = (row, k) => {
    const given = special(row, k);
    if (given !== null) return given;
    const value = (T - k) * rate(row / Math.max(count - 1, 1)) + 0.15 * (random() - 0.5) - 0.1;
    return value < -45 ? "u" : rounded(value);
  };
  const heat = updates.map((_, row) => steps.map((k) => cell(row, k)));
  const progress = (row) => row / Math.max(count - 1, 1);
  const total = heat.map((line) =>
    rounded(10 ** Math.min(Math.max(...line.filter((x) => typeof x === "number"), -3), 30)),
  );
  const lambda = updates.map((_, row) => rounded((1.05 * 10 ** Math.max(rate(progress(row)), -1)) / gamma + 0.2));
  const word = (row) => {
    const power = T * rate(progress(row));
    return power < -2 ? "vanishing" : power > 2 ? "exploding" : "staying in size";
  };
  const open = (row) => steps.map((k) => (k === 0 ? null : rounded(0.9 - 0.4 * progress(row) * Math.sin(k / 9) ** 2)));
  return {
    name,
    config: {
      program: "train_sequence",
      run: name,
      task: "temporal-order",
      time: T,
      hidden: 20,
      gamma,
      clip,
      seed,
      learning_rate: 0.01,
      trivial_loss: 1.3863,
    },
    time: T,
    anchor: T,
    gamma,
    clip,
    logged: count,
    updates,
    steps,
    heat,
    contribution: heat.map((line) =>
      line.map((x, k) => (k === 0 ? "p" : typeof x === "number" ? rounded(x - 0.3) : x)),
    ),
    loss: updates.map((_, row) => rounded(loss(progress(row)) * (1 + 0.05 * random()))),
    gradient_norm: total,
    clipped_gradient_norm: total.map((x) => (clip > 0 ? Math.min(x, clip) : x)),
    clipped: total.map((x) => clip > 0 && x > clip),
    lambda,
    sigma_mean: lambda.map((x) => rounded(0.6 * x)),
    sigma_min: lambda.map((x) => rounded(0.01 * x)),
    rho: lambda.map((x) => rounded(0.8 * x)),
    lyapunov: updates.map((_, row) => (row % 20 === 0 ? rounded(rate(progress(row)) * Math.LN10) : null)),
    saturation: updates.map((_, row) => open(row)),
    shut: updates.map((_, row) => open(row).map((x) => (x === null ? null : rounded(Math.max(0.5 - x / 2, 0))))),
    transport: updates.flatMap((_, row) =>
      row % 20 === 0
        ? [
            {
              row,
              log10_norm: steps.map((k) => rounded((T - k) * rate(progress(row)))),
              log10_product: steps.map((k) => rounded((T - k) * (rate(progress(row)) + 0.03))),
            },
          ]
        : [],
    ),
    by_unit: [0, updates.at(-1)].map((update) => ({
      update,
      unit_steps: range(1, T),
      values: range(1, T).map((k) => range(1, 20).map((unit) => rounded(Math.abs(Math.sin(k / 15 + unit))))),
    })),
    half_life: updates.map((_, row) => rounded(Math.log10(2) / Math.abs(rate(progress(row)) || 1e-3))),
    bound_says: updates.map(() => "it could grow, but need not have"),
    grows: updates.map((_, row) => rate(progress(row)) > 0),
    verdict: updates.map(
      (_, row) =>
        `${word(row)}: step 1 keeps ${(10 ** Math.max(T * rate(progress(row)), -300)).toExponential(0)} of step ${T}`,
    ),
    tapes: [0, updates.at(-1)].map((update, i) => ({ update, records: tape(T, rate(i)) })),
    result: { updates: updates.at(-1), interrupted: false, test_loss: loss(1), test_errors: 0.5 },
    story: ["At update 0 the gradient did what its name says.", "On fresh sequences: 50.0 % errors."],
    ...parts,
  };
}

// T fused steps, the readout, the loss; and what one would see on the way back.
function tape(T, rate) {
  const record = (index, scope, op, inputs, step, log10, more = {}) => ({
    index,
    scope,
    op,
    inputs,
    shape: [20, 20],
    dtype: "float32",
    bytes: 1600,
    keeps: ["s", "W", "y"],
    derivative: "with u = g · σ'(s_t): x_t: u Uᵀ, s: u Wᵀ, U: x_tᵀ u, W: sᵀ u, b: Σ u",
    step,
    value_norm: 3.1,
    gradient_norm: log10 === null ? "p" : log10 < -45 ? "u" : 10 ** Math.min(log10, 300),
    ...more,
  });
  const first = record(0, "", "one_hot", [null], null, null, { derivative: "", keeps: [] });
  const steps = range(1, T).map((k) =>
    record(k, "rnn", "rnn_step", [0, k === 1 ? null : k - 1, null, null, null], k, (T - k) * rate),
  );
  const readout = record(T + 1, "readout", "affine", [T, null, null], null, 0.2, {
    derivative: "x: g Wᵀ, W: xᵀ g, b: Σ g",
  });
  const loss = record(T + 2, "loss", "cross_entropy", [T + 1, null], null, 0, {
    shape: [],
    derivative: "g · (softmax(x) − target) / rows",
  });
  return [first, ...steps, readout, loss];
}

const experiment = {
  name: "bound_vs_reality",
  claim: "The bound always holds and may say nothing.",
  passes: false,
  checks: [
    { what: "‖∂s_T/∂s_k‖ ≤ (γλ)^(T−k), lags at fault", value: 0, limit: "= 0", passes: true },
    { what: "median of ten seeds, actual at lag 49", value: 7.7e-8, limit: "< 1e-4", passes: true },
    { what: hostile, value: 3.6e3, limit: "> 1e4", passes: false },
  ],
  charts: [
    {
      title: "Actual and bound",
      x: "lag",
      y: "norm",
      log_y: true,
      curves: [
        { name: "actual", points: range(0, 49).map((k) => [k, 10 ** (-0.14 * k)]) },
        { name: "bound", points: range(0, 49).map((k) => [k, 10 ** (0.15 * k)]) },
      ],
    },
  ],
  grids: [
    {
      title: "The cliff",
      x: { label: "w", from: 3, to: 7 },
      y: { label: "b", from: -3, to: 0 },
      label: "log₁₀ error",
      values: range(0, 59).map((i) => range(0, 59).map((j) => rounded(Math.tanh((i + j - 60) / 8) - 0.4))),
    },
  ],
};

const vanishing = () =>
  run({ name: "vanishing", gamma: 0.25, rate: (t) => -1.48 + 0.2 * t, loss: () => 1.386, seed: 2 });
const exploding = () =>
  run({
    name: "exploding",
    rate: (t) => 0.087 + 0 * t,
    loss: (t) => 2.7 - 1.3 * Math.min(20 * t, 1),
    special: (row, k) => (row > 2 && k < 99 ? "s" : null),
    seed: 3,
  });
const tamed = () =>
  run({ name: "tamed", clip: 1, rate: (t) => -0.002 + 0.007 * Math.sin(9 * t), loss: (t) => 1.3 - 0.6 * t, seed: 4 });

// Every kind in one map, half of all optional parts missing, and names that try to break out.
const odd = () =>
  run({
    name: hostile,
    T: 30,
    rate: () => -0.1,
    loss: (t) => 1 - t,
    special: (row, k) => (k % 5 === 0 ? ["z", "p", "s", "u", "i", "n"][Math.floor(row / 17)] : null),
    parts: {
      contribution: null,
      transport: [],
      by_unit: null,
      story: [hostile],
      config: { run: hostile, [hostile]: hostile },
      verdict: range(0, 100).map(() => `${hostile}: ${hostile}`),
    },
  });

// As short and as empty as a run can be: interrupted ahead of the first update; one update of one step; nothing finite.
const short = () => ({
  ...run({ name: "never began", T: 3, updates: [], rate: () => 0, loss: () => 1 }),
  by_unit: null,
  tapes: [],
});
const one = () => run({ name: "one", T: 1, updates: [0], rate: () => 0, loss: () => 1, parts: { loss: [-1], verdict: ["no number: ‖∂L/∂s_1‖ is nan"] } });
const broken = () =>
  run({
    name: "not finite",
    T: 5,
    updates: [0, 1],
    rate: () => 0,
    loss: () => 1,
    special: () => "n",
    parts: {
      loss: ["n", "i"],
      gradient_norm: ["n", "i"],
      clipped_gradient_norm: ["n", "n"],
      lambda: ["n", "n"],
      sigma_mean: [],
      sigma_min: null,
      rho: ["i", 0],
      lyapunov: null,
      half_life: [null, null],
      transport: [
        { row: 1, log10_norm: [null, null, null, null, null, 0], log10_product: [null, null, null, null, null, 0] },
      ],
      result: null,
      story: null,
      verdict: null,
      config: null,
    },
  });

const big = () => {
  const updates = range(0, 1999);
  return run({
    name: "big",
    T: 999,
    updates,
    rate: (t) => -0.02 + 0.03 * t,
    loss: (t) => 1 - 0.9 * t,
    parts: { saturation: null, shut: null, contribution: null },
  });
};

export const samples = {
  "three-ways": () => ({
    title: "temporal-order three ways",
    version: "0.1.0",
    runs: [vanishing(), exploding(), tamed()],
    experiments: [],
  }),
  single: () => ({ title: "exploding", version: "0.1.0", runs: [exploding()], experiments: [] }),
  hostile: () => ({
    title: hostile,
    version: hostile,
    runs: [odd(), { ...odd(), name: `${hostile} again`, tapes: [] }],
    experiments: [{ ...experiment, name: hostile }],
  }),
  experiment: () => ({
    title: "bound_vs_reality",
    version: "0.1.0",
    runs: [],
    experiments: [experiment, { name: "killed", claim: "It ends.", passes: null, checks: [], charts: [], grids: [] }],
  }),
  nothing: () => ({ title: "killed at once", version: "0.1.0", runs: [], experiments: [] }),
  edges: () => ({ title: "short runs", version: "0.1.0", runs: [short(), one(), broken()], experiments: [] }),
  big: () => ({ title: "2 000 updates × 1 000 steps", version: "0.1.0", runs: [big()], experiments: [] }),
};

// As C++ does it.
export const filled = (template, payload) =>
  template.split("EBB_DATA").join(JSON.stringify(payload).replaceAll("<", "\\u003c"));

export async function writeSamples(template, folder) {
  const page = await readFile(template, "utf8");
  await mkdir(folder, { recursive: true });
  const written = {};
  for (const [name, payload] of Object.entries(samples)) {
    written[name] = join(folder, `${name}.html`);
    await writeFile(written[name], filled(page, payload()));
  }
  return written;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await writeSamples(process.argv[2], process.argv[3]);
