// The sweep, record by record from the loss back: how the norm of the cotangent changes on the way.
import { button, el } from "../dom.js";
import { decades, extent } from "../data.js";
import { Chart } from "../chart.js";
import { NUMBER, fromLog10, inWords } from "../magnitude.js";

// The records that the sweep passes, in its order: those that something arrived at.
export const order = (records) => records.filter(({ gradient }) => gradient.kind !== 2).reverse();

export class Sweep {
  constructor(choose) {
    this.choose = choose;
    this.told = el("p", { class: "readout", "aria-live": "polite" });
    this.back = button("◀ Step backwards", "Step backwards: the next record of the sweep", () => this.go(1), {
      class: "play",
    });
    this.chartHost = el("div", {});
    this.element = el(
      "div",
      { class: "sweep" },
      el("h3", {}, "The sweep"),
      el(
        "div",
        { class: "buttons" },
        button("To the loss", "To the loss: where the sweep starts", () => this.choose(this.records[0])),
        this.back,
        button("Undo ▶", "Undo: one record forwards", () => this.go(-1)),
      ),
      this.told,
      this.chartHost,
    );
  }

  load(records) {
    this.records = order(records);
    const logs = this.records.map(({ gradient }) => (gradient.kind === NUMBER ? gradient.log10 : null));
    this.logs = logs;
    this.chart = new Chart({
      label: "Norm of the cotangent against the records that the sweep has passed.",
      x: { label: "records passed, from the loss back", whole: true, pick: (at) => this.choose(this.records[at]) },
      y: { label: "‖cotangent‖", log: true, range: decades(extent(logs)) },
      lines: [
        { name: "passed", color: "actual", width: 2.5 },
        { name: "still to come", color: "soft", dash: "dotted" },
      ],
      height: 180,
    });
    this.chartHost.replaceChildren(this.chart.element);
  }

  go(by) {
    const at = this.records.indexOf(this.current);
    this.choose(this.records[Math.min(Math.max(at + by, 0), this.records.length - 1)]);
  }

  show(record) {
    let at = this.records.indexOf(record);
    if (at < 0) {
      this.told.textContent = `The sweep doesn't pass record ${record.index}: the loss doesn't depend on it, or nobody asked.`;
      at = this.records.findIndex((other) => other.index < record.index);
    } else {
      this.told.textContent = this.words(at);
    }
    this.current = this.records[Math.max(at, 0)];
    const xs = this.records.map((_, i) => i);
    this.chart.draw(
      [xs, this.logs.map((y, i) => (i <= at ? y : null)), this.logs.map((y, i) => (i >= at ? y : null))],
      this.records.map(({ gradient }) => gradient.kind),
    );
    this.chart.point(at);
  }

  words(at) {
    const record = this.records[at];
    const from = this.records[at - 1];
    const place = `${at + 1} of ${this.records.length}`;
    if (!from)
      return `${place}: the sweep starts at record ${record.index}, ${record.op}, with a cotangent of norm ${inWords(record.gradient)}.`;
    const factor =
      record.gradient.kind === NUMBER && from.gradient.kind === NUMBER
        ? `, × ${fromLog10(record.gradient.log10 - from.gradient.log10)}`
        : "";
    return `${place}: from record ${from.index} to ${record.index}, ${record.op}, the norm goes from ${inWords(from.gradient)} to ${inWords(record.gradient)}${factor}.`;
  }
}
