// The grid of records as a table that the arrow keys walk. A cell's colour is the norm of the gradient that arrived there.
import { el } from "../dom.js";
import { NUMBER, inWords } from "../magnitude.js";
import { css, kindFill } from "../palette.js";
import { onTheme } from "../theme.js";

export class GridView {
  // choose(record), unfold(): what a click on a cell, and on a fold, does.
  constructor(scale, choose, unfold) {
    Object.assign(this, { scale, choose, unfold });
    this.element = el("div", { class: "scrolls tape-scroll" });
    this.buttons = new Map();
    scale.onChange(() => this.paint());
    onTheme(() => this.paint());
    this.element.addEventListener("keydown", (event) => this.walk(event));
  }

  draw(grid, columns) {
    this.buttons.clear();
    this.places = [];
    const head = columns.map((column) =>
      column.hidden
        ? el(
            "th",
            { scope: "col", class: "fold" },
            el(
              "button",
              { type: "button", "aria-label": `Unfold ${column.hidden} steps`, on: { click: this.unfold } },
              `… × ${column.hidden} …`,
            ),
          )
        : el("th", { scope: "col" }, typeof column === "number" ? `k = ${column}` : column),
    );
    const body = grid.rows.map((row, r) => {
      this.places.push([]);
      return el(
        "tr",
        {},
        el("th", { scope: "row" }, row.label),
        columns.map((column) =>
          el(
            "td",
            { class: column.hidden ? "fold" : null },
            column.hidden ? "…" : this.cell(grid.at(row.index, column), r),
          ),
        ),
      );
    });
    this.element.replaceChildren(
      el(
        "table",
        { class: "tape", "aria-label": "Records by scope, op and step" },
        el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "scope / op"), head)),
        el("tbody", {}, body),
      ),
    );
    this.paint();
  }

  cell(records, row) {
    if (records.length === 0) {
      this.places[row].push(null);
      return null;
    }
    const button = el(
      "button",
      {
        type: "button",
        class: "cell",
        tabindex: "-1",
        on: {
          click: () =>
            this.choose(
              records.includes(this.selected)
                ? records[(records.indexOf(this.selected) + 1) % records.length]
                : records.at(-1),
            ),
        },
      },
      records.length > 1 ? `×${records.length}` : "",
    );
    for (const record of records) this.buttons.set(record, button);
    button.records = records;
    this.places[row].push(button);
    return button;
  }

  paint() {
    const context = document.createElement("canvas").getContext("2d");
    const tiles = new Map();
    for (const [record, button] of this.buttons) {
      const { kind, log10 } = record.gradient;
      button.setAttribute("aria-label", `Record ${record.index}, ${record.op}, gradient ${inWords(record.gradient)}`);
      button.title = `${record.index} ${record.op}: ${inWords(record.gradient)}`;
      if (kind === NUMBER) {
        button.style.background = css(this.scale.pixel(log10));
        button.style.color = Math.abs(log10) > this.scale.limit * 0.5 ? "var(--ground)" : "var(--ink)";
      } else {
        if (!tiles.has(kind)) tiles.set(kind, tile(context, kind));
        button.style.background = tiles.get(kind);
      }
    }
  }

  // Marks the selected record, and those that it reads.
  mark(record, inputs) {
    this.selected = record;
    for (const button of new Set(this.buttons.values())) {
      const chosen = button.records.includes(record);
      button.setAttribute("aria-pressed", String(chosen));
      button.tabIndex = chosen ? 0 : -1;
      button.classList.toggle(
        "is-input",
        button.records.some((other) => inputs.includes(other.index)),
      );
    }
    this.reveal();
  }

  // Scrolls to the selected record; nothing around the grid moves.
  reveal() {
    const button = this.buttons.get(this.selected);
    if (!button) return;
    const box = this.element.getBoundingClientRect();
    const at = button.getBoundingClientRect();
    if (at.left < box.left + 160 || at.right > box.right) this.element.scrollLeft += at.left - box.left - box.width / 2;
  }

  walk(event) {
    const by = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (!by || !event.target.records) return;
    event.preventDefault();
    let row = this.places.findIndex((places) => places.includes(event.target));
    let column = this.places[row].indexOf(event.target);
    do {
      row += by[0];
      column += by[1];
    } while (this.places[row] && column >= 0 && column < this.places[row].length && !this.places[row][column]);
    const button = this.places[row]?.[column];
    if (!button) return;
    this.choose(button.records.at(-1));
    this.buttons.get(this.selected)?.focus();
  }
}

function tile(context, kind) {
  const canvas = el("canvas", { width: 8, height: 8 });
  const drawn = canvas.getContext("2d");
  drawn.fillStyle = kindFill(context, kind);
  drawn.fillRect(0, 0, 8, 8);
  return `url(${canvas.toDataURL()})`;
}
