// All about one record: what it computed, from what, and what its derivative is.
import { button, el, math } from "../dom.js";
import { inWords, kinds } from "../magnitude.js";
import { linkTo } from "../article.js";
import { equation } from "./article.js";
import { nameOf } from "./layout.js";

const bytes = (count) =>
  count >= 1e6 ? `${(count / 1e6).toFixed(1)} MB` : count >= 1e3 ? `${(count / 1e3).toFixed(1)} kB` : `${count} bytes`;

export function recordPanel(tape, record, last, choose) {
  const link = (index) => {
    const other = tape.byIndex.get(index);
    return other
      ? button(`${index} ${nameOf(other)}`, `Record ${index}, ${nameOf(other)}`, () => choose(other), { class: "record-link" })
      : el("span", {}, "a source");
  };
  const numbers = record.inputs.filter((index) => index === null).length;
  const inputs = record.inputs.filter((index) => index !== null).map(link);
  if (numbers > 0) inputs.push(el("span", {}, numbers === 1 ? "a number" : `${numbers} numbers`));
  const { text, step } = equation(record, last);
  const entry = (name, ...content) => [el("dt", {}, name), el("dd", {}, ...content)];
  return el(
    "div",
    { class: "record", "aria-live": "polite" },
    el("h3", {}, `Record ${record.index}: ${record.op}${record.name ? ` ${record.name}` : ""}`),
    el(
      "dl",
      {},
      entry("scope", record.scope || "–"),
      entry("step", math(typeof record.step === "number" ? `computes s_${record.step}` : String(record.column))),
      entry("inputs", inputs.length > 0 ? spaced(inputs) : "none"),
      entry(
        "used by",
        record.users.length > 0 ? spaced(record.users.slice(0, 6).map(link)) : "nothing",
        record.users.length > 6 ? ` and ${record.users.length - 6} more` : null,
      ),
      entry("derivative", el("code", {}, math(record.derivative || "none"))),
      entry("shape", `[${(record.shape ?? []).join(", ")}] ${record.dtype ?? ""}`),
      entry("owns", bytes(record.bytes ?? 0)),
      entry(
        "keeps",
        (record.keeps ?? []).length > 0
          ? `what its derivative reads: ${record.keeps.join(", ")}`
          : "nothing for its derivative",
      ),
      entry("norm of its value", inWords(record.value)),
      entry(
        "norm of the gradient",
        el("strong", {}, inWords(record.gradient)),
        record.gradient.kind ? ` — ${kinds[record.gradient.kind].meaning}` : null,
      ),
    ),
    el("p", { class: "equation" }, math(text), " ", el("cite", {}, linkTo(step))),
  );
}

const spaced = (nodes) => nodes.flatMap((node, i) => (i ? [" ", node] : [node]));
