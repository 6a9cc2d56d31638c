// What the colours mean: the scale of the heat maps, and the patterns of what is no number.
import { el } from "./dom.js";
import { ColorScale } from "./scale.js";
import { kinds, power } from "./magnitude.js";
import { swatch } from "./swatch.js";
import { css } from "./palette.js";
import { onTheme } from "./theme.js";

// A colour bar with texts spread evenly below it; paint(t) gives the pixel at t in 0…1.
export function bar(paint, texts) {
  const canvas = el("canvas", { class: "bar", width: 256, height: 1, "aria-hidden": "true" });
  const draw = () => {
    const context = canvas.getContext("2d");
    for (let i = 0; i < 256; ++i) {
      context.fillStyle = css(paint(i / 255));
      context.fillRect(i, 0, 1, 1);
    }
  };
  draw();
  onTheme(draw);
  return el(
    "div",
    { class: "scale" },
    canvas,
    el(
      "div",
      { class: "scale-texts" },
      texts.map((text) => el("span", {}, text)),
    ),
  );
}

// The whole legend of the heat maps. Only kinds that occur are listed in full; the others are named, too, but small.
export function legend(runs, scale) {
  const present = new Set(runs.flatMap((run) => [...new Set(run.heat.kind)]));
  const holder = el("div", {});
  const draw = () =>
    holder.replaceChildren(
      bar(
        (t) => scale.pixel((2 * t - 1) * scale.limit),
        [`≤ ${power(-scale.limit)}`, power(-scale.limit / 2), "1", power(scale.limit / 2), `≥ ${power(scale.limit)}`],
      ),
    );
  draw();
  scale.onChange(draw);
  const choice = el(
    "select",
    { on: { change: (event) => scale.choose(Number(event.target.value)) } },
    ColorScale.choices.map((limit) =>
      el("option", { value: limit, selected: limit === scale.limit }, `${power(-limit)} to ${power(limit)}`),
    ),
  );
  return el(
    "div",
    { class: "legend" },
    el(
      "div",
      { class: "legend-scale" },
      el("p", {}, "norm: ", el("b", {}, "fades"), " ← 1 → ", el("b", {}, "surges")),
      holder,
      el("label", { class: "field" }, el("span", {}, "colours reach"), choice),
    ),
    el(
      "ul",
      { class: "kinds", "aria-label": "Patterns for what is no number" },
      kinds.flatMap(({ word, meaning }, kind) =>
        kind === 0
          ? []
          : el(
              "li",
              { class: present.has(kind) ? "" : "absent" },
              swatch(kind),
              el("span", {}, el("b", {}, word), ` — ${meaning}`, present.has(kind) ? "" : " (none here)"),
            ),
      ),
    ),
    keys(),
  );
}

function keys() {
  const of = (names, does) => [...names.flatMap((name) => [el("kbd", {}, name), " "]), `${does} · `];
  return el(
    "p",
    { class: "keys" },
    of(["←", "→"], "step"),
    of(["↑", "↓"], "update"),
    of(["Page ↑", "Page ↓"], "a tenth of all updates"),
    of(["Home", "End"], "first and last step"),
    el("kbd", {}, "space"),
    " plays",
  );
}
