// The heat map update × step of log₁₀‖∂L/∂s_k‖, and the colour scale that all runs share.
import { el } from "../dom.js";
import { NUMBER, fromLog10, inWords, kinds } from "../magnitude.js";
import { CellMap } from "../map.js";
import { steer } from "../keyboard.js";

export const title = "Gradients of every state, at every update";
export const reading =
  "A row is one update's way back through time, from the loss on the right to the first step on the left. Where colour " +
  "fades to blue on the way left, the gradient vanishes; where it burns to orange, it explodes; where it stays the same, it arrives. Pale is a norm near 1.";

export function build(run, { cursor, scale, ranges }) {
  const { heat } = run;
  const alone = ranges.runs.length === 1;
  const map = new CellMap({
    label: `Heat map of ${run.name}: log₁₀ of the norm of ∂L/∂s_k by update and step. The line below it tells the value at the cursor.`,
    x: { label: "step k", values: run.steps, whole: true },
    y: { label: "update", values: run.updates, whole: true },
    height: alone ? 380 : 300,
    cells: {
      pixel: (r, c) => {
        const i = r * heat.columns + c;
        return heat.kind[i] === NUMBER ? scale.pixel(heat.log10[i]) : -heat.kind[i];
      },
      // Extremes win a pixel that several cells share: first what is not a number, then what is farthest from 1.
      rank: (r, c) => {
        const i = r * heat.columns + c;
        return heat.kind[i] === NUMBER ? Math.abs(heat.log10[i]) : 1000 + heat.kind[i];
      },
    },
    pick: (step, update) => cursor.set({ step, update }),
  });
  scale.onChange(() => map.draw());

  const value = el("strong", {});
  const place = el("span", {});
  const told = el("p", { class: "readout" }, place, value);
  const thinned = thinning(run);
  const element = el(
    "div",
    {
      class: "heat",
      tabindex: "0",
      role: "application",
      "aria-label": `Heat map of ${run.name}. Arrow keys move the cursor.`,
    },
    map.element,
    told,
    thinned,
  );
  steer(element, cursor);

  cursor.follow(() => {
    const row = run.rowAt(cursor.update);
    const column = run.columnAt(cursor.step);
    const cell = heat.at(row, column);
    map.point(run.steps[column], run.updates[row]);
    place.textContent = `update ${run.updates[row]}, step ${run.steps[column]}: `;
    value.textContent = cell.kind === NUMBER ? `norm ${fromLog10(cell.log10)}` : inWords(cell);
    value.title = kinds[cell.kind].meaning;
  });
  return element;
}

// Says so where the report shows less than the log holds.
function thinning({ logged, updates, steps, time }) {
  const parts = [];
  if (logged > updates.length) parts.push(`${updates.length} of ${logged} logged updates`);
  if (time + 1 > steps.length) parts.push(`${steps.length} of ${time + 1} states`);
  return parts.length > 0
    ? el("p", { class: "figure" }, `shown: ${parts.join(" and ")}, the extremes among them`)
    : null;
}
