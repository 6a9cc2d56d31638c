// The records of a tape as a grid: a row for each scope and op, a column for each step, and two for what stands outside
// the steps.
import { fromPlain } from "../magnitude.js";

export const before = "before";
export const after = "after";

// Records as the explorer uses them; `gradient` and `value` are {log10, kind}.
export function recordsOf(tape) {
  const records = tape.records.map((record) => ({
    ...record,
    inputs: record.inputs ?? [],
    gradient: fromPlain(record.gradient_norm),
    value: fromPlain(record.value_norm),
    users: [],
  }));
  const byIndex = new Map(records.map((record) => [record.index, record]));
  for (const record of records) {
    for (const input of new Set(record.inputs)) byIndex.get(input)?.users.push(record.index);
  }
  placeInColumns(records);
  return { records, byIndex };
}

// A record without a step belongs to the step that it leads to: the next one. What is left at the end comes after;
// sources ahead of that, and what stands ahead of the first step under another scope, come before.
function placeInColumns(records) {
  const first = records.find(({ step }) => typeof step === "number");
  let next = after;
  for (const record of records.toReversed()) {
    if (typeof record.step === "number") next = record.step;
    const ahead = isSource(record) ? next !== after : first && record.index < first.index && record.scope !== first.scope;
    record.column = ahead ? before : next;
  }
}

const isSource = ({ op }) => op === "source";

// A source goes by its own name, where it has one.
export const nameOf = ({ name, op }) => name ?? op;
const rowOf = (record) => (record.scope && !record.name ? `${record.scope} / ${record.op}` : nameOf(record));

export class Grid {
  constructor(records) {
    this.rows = [];
    this.cells = new Map(); // of "row key|column" the records there
    const rows = new Map();
    const columns = new Set();
    const seen = new Map();
    for (const record of records) {
      const { column } = record;
      columns.add(column);
      const name = rowOf(record);
      const times = (seen.get(`${name}|${column}`) ?? 0) + 1;
      seen.set(`${name}|${column}`, times);
      // Within a step the second of a kind has a row of its own; outside, they share a cell.
      const label = times > 1 && typeof column === "number" ? `${name} (${times})` : name;
      if (!rows.has(label)) rows.set(label, { label, index: rows.size });
      const row = rows.get(label);
      record.row = row.index;
      const key = `${row.index}|${column}`;
      if (!this.cells.has(key)) this.cells.set(key, []);
      this.cells.get(key).push(record);
    }
    this.rows = [...rows.values()];
    this.steps = [...columns].filter((column) => typeof column === "number").sort((a, b) => a - b);
    this.hasBefore = columns.has(before);
    this.hasAfter = columns.has(after);
  }

  at(row, column) {
    return this.cells.get(`${row}|${column}`) ?? [];
  }

  // What to show: the first and the last steps and those around the selected one; of the rest how many they are, as
  // {hidden: count}. Unfolded, as many as the page can bear.
  columns(unfolded, selected) {
    const shown = (place) => {
      const reach = unfolded ? 200 : 1;
      const at = this.steps.indexOf(selected);
      return (
        place < (unfolded ? 100 : 3) ||
        place >= this.steps.length - (unfolded ? 100 : 3) ||
        (at >= 0 && Math.abs(place - at) <= reach)
      );
    };
    const result = this.hasBefore ? [before] : [];
    for (let i = 0; i < this.steps.length; ++i) {
      if (shown(i)) result.push(this.steps[i]);
      else if (result.at(-1)?.hidden) result.at(-1).hidden += 1;
      else result.push({ hidden: 1 });
    }
    return this.hasAfter ? [...result, after] : result;
  }
}
