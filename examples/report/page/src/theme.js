// Light and dark. The colours themselves stand in style.css; canvases ask for them here and are drawn again on a change.

const root = document.documentElement;
const dark = matchMedia("(prefers-color-scheme: dark)");
const print = matchMedia("print");
const listeners = [];
let choice = "auto"; // or "light", "dark"

export function color(name) {
  return getComputedStyle(root).getPropertyValue(`--${name}`).trim();
}

export function isDark() {
  return root.dataset.theme === "dark";
}

export function onTheme(listener) {
  listeners.push(listener);
}

export function chooseTheme(theme) {
  choice = theme;
  apply();
}

// Paper is always light.
function apply() {
  const wanted = print.matches ? "light" : choice === "auto" ? (dark.matches ? "dark" : "light") : choice;
  if (root.dataset.theme === wanted) return;
  root.dataset.theme = wanted;
  for (const listener of listeners) listener();
}

dark.addEventListener("change", apply);
print.addEventListener("change", apply);
apply();
