// Every number in a report comes from log.jsonl: it is computed here again, by another program, from the logs alone.
//   EBB_LOGGED_REPORTS   REPORT=FOLDER[,FOLDER…], several separated by ":": a report and the folders it is of
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

const pairs = (process.env.EBB_LOGGED_REPORTS ?? "").split(":").filter(Boolean);
assert.ok(pairs.length > 0, "nothing to test: set EBB_LOGGED_REPORTS");

const codes = { "no path": "p", saturated: "s", underflow: "u", infinity: "i", nan: "n" };
const code = (m) => codes[m] ?? (m === 0 ? "z" : null);

async function readLog(folder) {
  const lines = (await readFile(join(folder, "log.jsonl"), "utf8")).trim().split("\n").map((line) => JSON.parse(line));
  const [header, ...rest] = lines;
  const of = (kind) => rest.filter((line) => Object.keys(line)[0] === kind);
  const inner = (kind) => of(kind).map((line) => line[kind]);
  return { header, updates: of("update"), tapes: inner("tape"), result: inner("result")[0] ?? null, checks: inner("check"), curves: inner("curve"), grids: inner("grid") };
}

async function readReport(file) {
  const html = await readFile(file, "utf8");
  const [, data] = html.match(/<script type="application\/json" id="ebb-data">(.*?)<\/script>/s);
  return JSON.parse(data);
}

// Shown to five digits after the point.
function sameCell(shown, magnitude, what) {
  if (code(magnitude) !== null) assert.equal(shown, code(magnitude), what);
  else assert.ok(Math.abs(shown - Math.log10(magnitude)) <= 5.1e-6, `${what}: ${shown} for ${magnitude}`);
}

// Shown to six digits.
function samePlain(shown, magnitude, what) {
  if (magnitude === undefined) return assert.equal(shown, "p", what);
  if (magnitude !== 0 && code(magnitude) !== null) return assert.equal(shown, code(magnitude), what);
  assert.ok(Math.abs(shown - magnitude) <= 1e-5 * Math.abs(magnitude), `${what}: ${shown} for ${magnitude}`);
}

// Shown to three digits after the point.
function sameNumber(shown, logged, what) {
  if (logged === null || logged === undefined) return assert.equal(shown, null, what);
  assert.ok(Math.abs(shown - logged) <= 0.00051, `${what}: ${shown} for ${logged}`);
}

// The slope of ln ‖∂L/∂s_k‖ by k, from step 1 (or from behind the first zero on the way back) to the anchor.
function growthPerStep(gradient, anchor) {
  let first = 1;
  for (let k = anchor; k > 0; --k)
    if (gradient[k] === 0 || gradient[k] === "saturated" || gradient[k] === "underflow") {
      first = k + 1;
      break;
    }
  const points = [];
  for (let k = first; k <= anchor; ++k)
    if (typeof gradient[k] === "number" && gradient[k] > 0) points.push([k, Math.log(gradient[k])]);
  if (points.length < 2) return NaN;
  const mean = (i) => points.reduce((sum, p) => sum + p[i], 0) / points.length;
  const [x, y] = [mean(0), mean(1)];
  const sum = (f) => points.reduce((total, p) => total + f(p), 0);
  return sum((p) => (p[0] - x) * (p[1] - y)) / sum((p) => (p[0] - x) ** 2);
}

function verdictFits(verdict, gradient, anchor, what) {
  const ratio = gradient[1] / gradient[anchor];
  if (anchor < 2 || Number.isNaN(ratio) || ratio === 0) return;
  const word = ratio < 1e-2 ? "vanishing" : ratio > 1e2 ? "exploding" : "staying in size";
  assert.ok(verdict.startsWith(`${word}: `), `${what}: ${verdict} for a ratio of ${ratio}`);
  const [, shown] = verdict.match(/step 1 (?:keeps|has) ([-+.e\d]+)/);
  assert.ok(Math.abs(shown / ratio - 1) < 0.06, `${what}: ${verdict} for a ratio of ${ratio}`);
}

function checkRun(run, log) {
  const { header } = log;
  assert.deepEqual(run.config, header);
  assert.equal(run.time, header.time);
  assert.equal(run.anchor, header.time - header.scored + 1);
  assert.equal(run.logged, log.updates.length);
  assert.equal(run.steps[0], 0);
  assert.equal(run.steps.at(-1), header.time);
  assert.equal(run.updates[0], log.updates[0].update);
  assert.equal(run.updates.at(-1), log.updates.at(-1).update);
  const measured = [];
  run.updates.forEach((number, row) => {
    const update = log.updates.find((u) => u.update === number);
    const what = `update ${number}`;
    run.steps.forEach((k, column) => {
      sameCell(run.heat[row][column], update.state_gradient[k], `${what}, ∂L/∂s_${k}`);
      if (update.contribution) sameCell(run.contribution[row][column], update.contribution[k], `${what}, C_${k}`);
      if (update.saturation) {
        sameNumber(run.saturation[row][column], update.saturation[k], `${what}, saturation ${k}`);
        sameNumber(run.shut[row][column], update.shut[k], `${what}, shut ${k}`);
      }
    });
    for (const key of ["loss", "gradient_norm", "clipped_gradient_norm", "lambda", "sigma_mean", "sigma_min", "rho"])
      samePlain(run[key][row], update[key], `${what}, ${key}`);
    assert.equal(run.clipped[row], update.clipped);
    assert.equal(run.lyapunov[row], update.lyapunov ?? null);
    const growth = growthPerStep(update.state_gradient, run.anchor);
    if (Number.isNaN(growth) || growth === 0) assert.equal(run.half_life[row], null);
    else samePlain(run.half_life[row], Math.LN2 / Math.abs(growth), `${what}, half-life`);
    const perStep = header.gamma * update.lambda;
    const says =
      Math.abs(perStep - 1) < 1e-3 ? "it could not grow" : perStep < 1 ? "it had to shrink" : "it could grow, but need not have";
    assert.equal(run.bound_says[row], says, `${what}, γλ = ${perStep}`);
    verdictFits(run.verdict[row], update.state_gradient, run.anchor, what);
    if (update.log10_transport) measured.push([row, update]);
  });
  assert.deepEqual(run.transport.map((t) => t.row), measured.map(([row]) => row));
  run.transport.forEach((transport, i) =>
    run.steps.forEach((k, column) => {
      sameNumber(transport.log10_norm[column], measured[i][1].log10_transport[k], `transport ${k}`);
      sameNumber(transport.log10_product[column], measured[i][1].log10_product[k], `product ${k}`);
    }),
  );
  const mapped = log.updates.filter((u) => u.saturation_by_unit);
  assert.deepEqual(run.by_unit.map((m) => m.update), mapped.map((u) => u.update));
  run.by_unit.forEach((map, i) =>
    map.unit_steps.forEach((step, row) =>
      map.values[row].forEach((shown, unit) =>
        sameNumber(shown, mapped[i].saturation_by_unit[step - 1][unit * map.unit_stride], `unit ${unit} at ${step}`),
      ),
    ),
  );
  assert.deepEqual(run.tapes, log.tapes);
  assert.deepEqual(run.result, log.result);
  assert.deepEqual(run.story, log.result?.story ?? []);
}

for (const pair of pairs) {
  const [file, folders] = pair.split("=");
  test(`${file}: all that it shows is in the logs`, async () => {
    const report = await readReport(file);
    const logs = await Promise.all(folders.split(",").map(readLog));
    const runs = logs.filter((log) => log.updates.length > 0);
    assert.equal(report.runs.length, runs.length);
    report.runs.forEach((run, i) => checkRun(run, runs[i]));
    const experiments = logs.filter((log) => log.checks.length > 0);
    assert.equal(report.experiments.length, experiments.length);
    experiments.forEach((experiment, i) => {
      const shown = report.experiments[i];
      assert.deepEqual(shown.checks, experiment.checks);
      assert.deepEqual(shown.grids, experiment.grids);
      assert.equal(shown.passes, experiment.checks.every((check) => check.passes));
      const curves = shown.charts.flatMap((chart) => chart.curves.map((c) => [chart.title, c.name, c.points]));
      assert.deepEqual(curves.sort(), experiment.curves.map((c) => [c.chart, c.name, c.points]).sort());
    });
  });
}
