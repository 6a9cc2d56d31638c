// How large something is, as log₁₀, and what it is where that is no ordinary number: the kinds of nn/magnitude.h.

export const NUMBER = 0;

// A kind is its place in this list. `code` is how the data writes it, `word` how log.jsonl and the terminal do.
export const kinds = [
  { code: "", word: "number", meaning: "" },
  { code: "z", word: "zero", meaning: "exactly 0, without a reason of its own" },
  { code: "p", word: "no path", meaning: "the loss doesn't depend on this state, or wasn't asked to" },
  { code: "s", word: "saturated", meaning: "0 because every σ′ in the way is 0 as stored: the units are stuck" },
  { code: "u", word: "underflow", meaning: "0 because what is left is smaller than float32 can hold" },
  { code: "i", word: "infinity", meaning: "grew past the largest number of its type" },
  { code: "n", word: "NaN", meaning: "not a number: computed from infinities" },
];

const kindOf = new Map(
  kinds.flatMap((kind, i) =>
    i
      ? [
          [kind.code, i],
          [kind.word.toLowerCase(), i],
        ]
      : [],
  ),
);

// One cell of the data: a number (already log₁₀), a code, or null, which is no path.
export function decoded(cell) {
  if (typeof cell === "number") return { log10: cell, kind: NUMBER };
  return { log10: NaN, kind: cell === null || cell === undefined ? 2 : (kindOf.get(String(cell).toLowerCase()) ?? 6) };
}

// A magnitude that is written as it is, not as a logarithm.
export function fromPlain(value) {
  if (typeof value !== "number") return decoded(value);
  return value === 0 ? { log10: NaN, kind: 1, value } : { log10: Math.log10(Math.abs(value)), kind: NUMBER, value };
}

// rows × columns of cells, kept as two flat arrays: a report may have millions.
export class Matrix {
  constructor(rows, columns) {
    this.rows = rows;
    this.columns = columns;
    this.log10 = new Float32Array(rows * columns);
    this.kind = new Uint8Array(rows * columns);
  }

  static from(cells, columns) {
    const matrix = new Matrix(cells.length, columns);
    let i = 0;
    for (const row of cells) {
      for (let c = 0; c < columns; ++c, ++i) {
        const cell = row[c];
        if (typeof cell === "number") {
          matrix.log10[i] = cell;
        } else {
          matrix.log10[i] = NaN;
          matrix.kind[i] = decoded(cell).kind;
        }
      }
    }
    return matrix;
  }

  at(row, column) {
    const i = row * this.columns + column;
    return { log10: this.log10[i], kind: this.kind[i] };
  }

  // One row for a chart: numbers, and null where there is none.
  line(row) {
    return Array.from(this.log10.subarray(row * this.columns, (row + 1) * this.columns), (x) =>
      Number.isNaN(x) ? null : x,
    );
  }

  kindsOf(row) {
    return this.kind.subarray(row * this.columns, (row + 1) * this.columns);
  }
}

const superscripts = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };

// "10⁻¹²"
export function power(exponent) {
  return "10" + String(exponent).replace(/./g, (digit) => superscripts[digit] ?? digit);
}

// "0.63", "3.2 × 10⁻¹²": three digits at most, whatever the size.
export function fromLog10(log10) {
  if (log10 === null || Number.isNaN(log10)) return "–";
  if (log10 === -Infinity) return "0";
  return Math.abs(log10) < 4 ? plain(10 ** log10) : scientific(log10);
}

function scientific(log10) {
  let exponent = Math.floor(log10);
  let factor = (10 ** (log10 - exponent)).toFixed(1);
  if (factor === "10.0") {
    factor = "1.0";
    exponent += 1;
  }
  return `${factor}\u00a0×\u00a0${power(exponent)}`;
}

// An ordinary number in three digits.
export function plain(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size === Infinity) return value < 0 ? "−∞" : "∞";
  if (size >= 1e4 || size < 1e-4) return (value < 0 ? "−" : "") + scientific(Math.log10(size));
  return String(Number(value.toPrecision(3))).replace("-", "−");
}

export function inWords({ log10, kind }) {
  return kind === NUMBER ? fromLog10(log10) : kinds[kind].word;
}
