// How the runs were set up, as a table, and what became of them, in words. What differs between runs comes first.
import { el, math } from "./dom.js";

const text = (value) =>
  value === null || value === undefined ? "–" : typeof value === "object" ? JSON.stringify(value) : String(value);

export function configuration(runs) {
  const keys = [...new Set(runs.flatMap((run) => Object.keys(run.config ?? {})))];
  const differs = (key) => new Set(runs.map((run) => text(run.config?.[key]))).size > 1;
  const ordered = [...keys.filter(differs), ...keys.filter((key) => !differs(key))];
  const row = (key) =>
    el(
      "tr",
      { class: differs(key) ? "differs" : null },
      el("th", { scope: "row" }, key),
      runs.map((run) => el("td", {}, text(run.config?.[key]))),
    );
  return el(
    "div",
    { class: "scrolls", tabindex: "0", role: "region", "aria-label": "Configuration" },
    el(
      "table",
      {},
      el(
        "caption",
        {},
        runs.length > 1 ? "What differs between the runs is in bold and comes first." : "The header of log.jsonl.",
      ),
      el(
        "thead",
        {},
        el(
          "tr",
          {},
          el("th", { scope: "col" }, "setting"),
          runs.map((run) => el("th", { scope: "col" }, run.name)),
        ),
      ),
      el("tbody", {}, ordered.map(row)),
    ),
  );
}

export function stories(runs) {
  return el(
    "div",
    { class: "panels" },
    runs.map((run) =>
      el(
        "div",
        { class: "panel" },
        runs.length > 1 ? el("h3", {}, run.name) : null,
        outcome(run),
        (run.story ?? []).map((paragraph) => el("p", {}, math(paragraph))),
      ),
    ),
  );
}

function outcome({ result, trivialLoss }) {
  if (!result) return null;
  const number = (value) => (typeof value === "number" ? value.toFixed(4) : text(value));
  const parts = [`${text(result.updates)} updates${result.interrupted ? ", interrupted" : ""}`];
  if (result.test_loss !== null && result.test_loss !== undefined)
    parts.push(`loss on fresh sequences ${number(result.test_loss)}`);
  if (typeof result.test_errors === "number") parts.push(`${(100 * result.test_errors).toFixed(1)} % errors`);
  if (trivialLoss !== null) parts.push(`ignoring the input gives ${number(trivialLoss)}`);
  return el("p", { class: "figure" }, parts.join(" · "));
}
