// The tape explorer: the recorded training step as a grid, one record in detail, and the sweep through all of them.
import { el, math, select } from "../dom.js";
import { Grid, recordsOf } from "./layout.js";
import { GridView } from "./gridview.js";
import { recordPanel } from "./record.js";
import { Sweep, order } from "./sweep.js";

const reading =
  "Each square is one record of the tape: an operation of one training step, as it was recorded. The derivative's sweep runs through the same " +
  "squares backwards, from the loss at the right end to the left; a square's colour is the norm of the gradient that arrived there.";

export function explorer(runs, scale) {
  const taped = runs.filter((run) => run.tapes);
  if (taped.length === 0) return null;
  const state = { run: taped[0], tape: taped[0].tapes[0], unfolded: false };
  const choose = (record) => record && show(record);
  const view = new GridView(scale, choose, () => fold(true));
  const sweep = new Sweep(choose);
  const detail = el("div", {});
  const folding = el("button", { type: "button", on: { click: () => fold(!state.unfolded) } });
  const pickers = el("div", { class: "buttons" });
  let loaded;

  function fold(unfolded) {
    state.unfolded = unfolded;
    folding.textContent = unfolded ? "Fold steps" : "Unfold steps";
    folding.setAttribute("aria-expanded", String(unfolded));
    view.draw(loaded.grid, loaded.grid.columns(unfolded, state.record?.column));
    if (state.record) view.mark(state.record, state.record.inputs);
  }

  function show(record) {
    state.record = record;
    if (!view.buttons.has(record)) fold(state.unfolded);
    view.mark(record, record.inputs);
    detail.replaceChildren(recordPanel(loaded.tape, record, loaded.last, choose));
    sweep.show(record);
  }

  function load() {
    const tape = recordsOf(state.tape);
    const grid = new Grid(tape.records);
    loaded = { tape, grid, last: grid.steps.at(-1) ?? 0 };
    state.record = null;
    sweep.load(tape.records);
    fold(state.unfolded);
    show(order(tape.records)[0] ?? tape.records.at(-1));
    pickers.replaceChildren(...choices(), folding);
  }

  function choices() {
    const ofRun = select(
      "run",
      taped.map((run, i) => [String(i), run.name]),
      String(taped.indexOf(state.run)),
      (i) => {
        state.run = taped[Number(i)];
        state.tape = state.run.tapes[0];
        load();
      },
    );
    const ofUpdate = select(
      "training step of update",
      state.run.tapes.map((tape, i) => [String(i), String(tape.update)]),
      String(state.run.tapes.indexOf(state.tape)),
      (i) => {
        state.tape = state.run.tapes[Number(i)];
        load();
      },
    );
    return taped.length > 1 ? [ofRun, ofUpdate] : [ofUpdate];
  }

  load();
  requestAnimationFrame(() => view.reveal()); // once the grid is on the page
  return el(
    "section",
    { class: "kind explorer", "aria-label": "Tape explorer" },
    el("h2", {}, "Tape explorer: one training step, record by record"),
    el("p", { class: "reading" }, math(reading)),
    pickers,
    view.element,
    el(
      "div",
      { class: "panels two" },
      el("div", { class: "panel" }, detail),
      el("div", { class: "panel" }, sweep.element),
    ),
  );
}
