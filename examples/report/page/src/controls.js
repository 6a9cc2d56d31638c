// The bar that stays in sight: play, one slider for the update, one for the step; and the choices in the head.
import { button, el, select } from "./dom.js";
import { steer } from "./keyboard.js";
import { chooseTheme } from "./theme.js";

function slider(name, values, { cursor, get, set }) {
  const text = el("output", {});
  const range = el("input", {
    type: "range",
    min: 0,
    max: Math.max(values.length - 1, 0),
    step: 1,
    "aria-label": name,
  });
  range.addEventListener("input", () => set(values[Number(range.value)]));
  cursor.follow(() => {
    const value = get();
    range.value = values.indexOf(value);
    range.setAttribute("aria-valuetext", `${name} ${value}`);
    text.textContent = `${name} ${value} of ${values.at(-1)}`;
  });
  return el("label", { class: "slider" }, text, range);
}

export function controls(cursor) {
  const play = button("▶ Play", "Play: run through the updates", () => cursor.toggle(), { class: "play" });
  cursor.follow(() => {
    play.textContent = cursor.playing ? "❚❚ Pause" : "▶ Play";
    play.setAttribute("aria-label", cursor.playing ? "Pause" : "Play: run through the updates");
  });
  const element = el(
    "div",
    { class: "controls", role: "toolbar", "aria-label": "Cursor" },
    play,
    slider("update", cursor.updates, { cursor, get: () => cursor.update, set: (update) => cursor.set({ update }) }),
    slider("step k =", cursor.steps, { cursor, get: () => cursor.step, set: (step) => cursor.set({ step }) }),
  );
  // Arrows work wherever nothing else has the focus.
  const page = {
    addEventListener: (event, listener) =>
      document.addEventListener(event, (e) => e.target === document.body && listener(e)),
  };
  steer(page, cursor);
  return element;
}

export function axesChoice(ranges) {
  const options = [
    ["one", "the same for all"],
    ["own", "each run's own"],
  ];
  return select("axes", options, "one", (choice) => ranges.share(choice === "one"));
}

export function themeChoice() {
  return select(
    "theme",
    [
      ["auto", "as the system"],
      ["light", "light"],
      ["dark", "dark"],
    ],
    "auto",
    chooseTheme,
  );
}
