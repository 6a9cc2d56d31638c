// A small sample of the pattern of a kind, as in the maps.
import { el } from "./dom.js";
import { kindFill } from "./palette.js";
import { onTheme } from "./theme.js";

const [width, height] = [28, 16];
const samples = [];

export function swatch(kind) {
  const canvas = el("canvas", { class: "swatch", width, height, "aria-hidden": "true" });
  samples.push([new WeakRef(canvas), kind]);
  paint(canvas, kind);
  return canvas;
}

function paint(canvas, kind) {
  const context = canvas.getContext("2d");
  context.fillStyle = kindFill(context, kind);
  context.fillRect(0, 0, width, height);
}

onTheme(() => {
  for (const [reference, kind] of samples) {
    const canvas = reference.deref();
    if (canvas) paint(canvas, kind);
  }
});
