// The page: reads the data, sets up the cursor and the colours, and puts one panel a run into a section a subject.
import { read } from "./data.js";
import { Cursor, merged } from "./cursor.js";
import { Ranges } from "./ranges.js";
import { ColorScale } from "./scale.js";
import { article } from "./article.js";
import { configuration, stories } from "./configuration.js";
import { axesChoice, controls, themeChoice } from "./controls.js";
import { el, math } from "./dom.js";
import { experiment } from "./experiment.js";
import { legend } from "./legend.js";
import { announcer, verdicts } from "./verdicts.js";
import { explorer } from "./tape/explorer.js";
import * as heat from "./panels/heat.js";
import * as slice from "./panels/slice.js";
import * as transport from "./panels/transport.js";
import * as contribution from "./panels/contribution.js";
import * as omega from "./panels/omega.js";
import * as saturation from "./panels/saturation.js";
import { loss, norm, weights } from "./panels/training.js";

const introduction =
  "A recurrent net is one layer applied again and again: s_k = σ(U x_k + W s_{k−1} + b). To learn from step k, the loss at the end must send " +
  "its gradient ∂L/∂s_k all the way back to it, and each step back multiplies by diag(σ′(a_k)) W. Many factors below 1 leave nothing " +
  "(the gradient vanishes: early steps can't be learnt); many above 1 leave far too much (it explodes: one update throws the net away).";

function section(title, reading, ...content) {
  return el(
    "section",
    { class: "kind", "aria-label": title },
    el("h2", {}, title),
    reading ? el("p", { class: "reading" }, math(reading)) : null,
    ...content,
  );
}

function panels(subject, runs, context) {
  const built = runs.map((run) => [run, subject.build(run, context)]).filter(([, element]) => element);
  if (built.length === 0) return null;
  const missing = built.every(([, element]) => element.classList.contains("missing"));
  const shown = missing
    ? [built[0][1]]
    : built.map(([run, element]) =>
        el("div", { class: "panel" }, runs.length > 1 ? el("h3", {}, run.name) : null, element),
      );
  return section(
    subject.title,
    subject.reading,
    el("div", { class: missing ? "" : "panels" }, shown),
    subject.after ?? null,
  );
}

// What follows the cursor, of runs that have logged an update at least.
function followers(runs, choices) {
  document.body.dataset.runs = Math.min(runs.length, 4);
  const cursor = new Cursor(merged(runs.map((run) => run.updates)), merged(runs.map((run) => run.steps)));
  const scale = new ColorScale(runs);
  const ranges = new Ranges(runs);
  if (runs.length > 1) choices.prepend(axesChoice(ranges));
  const of = (subject) => panels(subject, runs, { cursor, scale, ranges });
  return [
    el("p", { class: "introduction" }, math(introduction)),
    verdicts(runs, cursor),
    controls(cursor),
    announcer(runs, cursor),
    of({ ...heat, after: legend(runs, scale) }),
    ...[slice, omega, transport, contribution, loss, norm, weights, saturation].map(of),
    explorer(runs, scale),
    section("The article in nine equations", "What stands at the records of the tape; docs/article.md works each out with numbers, and says where the article slips.", article()),
  ].filter((part) => part !== null);
}

function show({ title, version, runs, experiments }, main) {
  document.title = `${title} · ebb`;
  document.getElementById("title").textContent = title;
  document.getElementById("version").textContent = `ebb ${version ?? ""}`;
  const choices = document.getElementById("choices");
  choices.append(themeChoice());
  main.append(...experiments.map(experiment));
  if (runs.length + experiments.length === 0)
    main.append(el("p", { class: "introduction" }, "Nothing is logged yet: no update, and nothing checked."));
  if (runs.length === 0) return;
  const logged = runs.filter((run) => run.updates.length > 0 && run.steps.length > 0);
  if (logged.length < runs.length) {
    const names = runs.filter((run) => !logged.includes(run)).map((run) => run.name);
    main.append(el("p", { class: "introduction" }, `Without an update in its log: ${names.join(", ")}.`));
  }
  if (logged.length > 0) main.append(...followers(logged, choices));
  main.append(section("What became of it", null, stories(runs)), section("Configuration", null, configuration(runs)));
}

const main = document.getElementById("main");
try {
  show(read(document), main);
} catch (error) {
  main.append(el("p", { class: "broken", role: "alert" }, `This report can't be shown: ${error.message}`));
  throw error;
} finally {
  document.documentElement.dataset.ready = Math.round(performance.now());
}
