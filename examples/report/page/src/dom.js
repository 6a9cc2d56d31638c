// Making elements. Whatever comes from a run (names, texts, formulas) becomes a text node, never markup.

// el("p", {class: "note", on: {click: f}}, "text", child): attributes that are null, undefined or false are left out.
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    } else if (value !== null && value !== undefined && value !== false) {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

// "∂L/∂s_k" as nodes, with the k set low; braces hold what is longer than a word: "s_{k−1}".
export function math(text) {
  return String(text)
    .split(/_(\{[^}]*\}|[A-Za-z0-9]+)/)
    .map((part, i) => (i % 2 ? el("sub", {}, part.replace(/[{}]/g, "")) : part))
    .filter((part) => part !== "");
}

// A select with a label of its own; options are [value, text].
export function select(label, options, chosen, change) {
  const box = el("select", {}, options.map(([value, text]) => el("option", { value, selected: value === chosen }, text)));
  box.addEventListener("change", () => change(box.value));
  return el("label", { class: "field" }, el("span", {}, label), box);
}

export function button(text, label, click, attributes = {}) {
  return el("button", { type: "button", "aria-label": label, title: label, ...attributes, on: { click } }, text);
}

// A figure's name for those who don't see it stands on the canvas, as that of an image.
export function describe(canvas, text) {
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", text);
}
