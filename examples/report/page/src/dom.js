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

// Behind a symbol of one letter: "s_k", "s_100", "s_{k−1}"; not within a name such as "one_hot". And behind anything:
// "(γλ)^99", "(γλ)^(T−k)", "e^{λ₁(T−k)}".
const raisedOrLowered =
  /(?<=(?:^|[^A-Za-z_])\p{L})_(\{[^}]*\}|[A-Za-z](?![A-Za-z])|[0-9]+)|\^(\{[^}]*\}|\([^()]*\)|[−-]?[0-9]+|[A-Za-z](?![A-Za-z]))/u;

// A formula as nodes, its indices set low and its exponents high.
export function math(text) {
  const parts = String(text).split(raisedOrLowered); // text, index, exponent, text, …
  return parts.flatMap((part, i) => {
    if (part === undefined || part === "") return [];
    if (i % 3 === 0) return [part];
    return [el(i % 3 === 1 ? "sub" : "sup", {}, part.replace(/^[{(](.*)[)}]$/, "$1"))];
  });
}

// A select with a label of its own; options are [value, text].
export function select(label, options, chosen, change) {
  const box = el(
    "select",
    {},
    options.map(([value, text]) => el("option", { value, selected: value === chosen }, text)),
  );
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
