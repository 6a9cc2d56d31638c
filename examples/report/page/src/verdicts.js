// The verdict of each run at the cursor's update, in words, and aloud for screen readers.
import { el, math } from "./dom.js";
import { inWords } from "./magnitude.js";

// By how a verdict begins (examples/report/words.cpp).
const trends = { vanishing: "fades", "nothing arrives": "fades", exploding: "surges", "staying in size": "holds" };

export function verdicts(runs, cursor) {
  const cards = runs.map((run) => {
    const word = el("p", { class: "verdict-word" });
    const rest = el("p", { class: "verdict-rest" });
    const when = el("p", { class: "verdict-when" });
    const card = el("article", { class: "verdict" }, el("h2", {}, run.name), word, rest, when);
    cursor.follow(() => {
      const row = run.rowAt(cursor.update);
      const said = run.verdictAt(row);
      card.dataset.trend = trends[said.word] ?? "unknown";
      word.replaceChildren(...math(said.word || "no verdict"));
      rest.replaceChildren(...math(said.rest));
      const cell = run.heat.at(row, run.columnAt(cursor.step));
      const k = run.steps[run.columnAt(cursor.step)];
      when.replaceChildren(
        ...math(`update ${run.updates[row]} · at the cursor, ‖∂L/∂s_{${k}}‖: `),
        el("b", {}, inWords(cell)),
      );
    });
    return card;
  });
  return el("section", { class: "verdicts", "aria-label": "Verdicts at the cursor" }, cards);
}

// Says where the cursor is and what stands there, once it has come to rest.
export function announcer(runs, cursor) {
  const region = el("div", { class: "only-heard", "aria-live": "polite", role: "status", id: "said" });
  let timer;
  cursor.follow(() => {
    clearTimeout(timer);
    if (cursor.playing) return;
    timer = setTimeout(() => {
      const values = runs.map(
        (run) => `${run.name}: ${inWords(run.heat.at(run.rowAt(cursor.update), run.columnAt(cursor.step)))}`,
      );
      region.textContent = `Update ${cursor.update}, step ${cursor.step}. ${values.join(". ")}`;
    }, 150);
  });
  return region;
}
