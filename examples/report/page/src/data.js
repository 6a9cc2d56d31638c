// The report's data as the page uses it: decoded once, with what the page derives from it (lines, bounds, ranges).
import { Matrix, fromPlain } from "./magnitude.js";

export function read(document) {
  const payload = JSON.parse(document.getElementById("ebb-data").textContent);
  return { ...payload, runs: (payload.runs ?? []).map((run) => new Run(run)), experiments: payload.experiments ?? [] };
}

// The index of the value nearest to x in an ascending list.
export function nearest(values, x) {
  let low = 0;
  let high = values.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (values[middle] <= x) low = middle;
    else high = middle;
  }
  return Math.abs(values[high] - x) < Math.abs(x - values[low]) ? high : low;
}

const filled = (list) => (Array.isArray(list) && list.length > 0 ? list : null);

export class Run {
  constructor(raw) {
    Object.assign(this, raw);
    this.name = String(raw.name ?? "run");
    this.updates = raw.updates ?? [];
    this.steps = raw.steps ?? [];
    this.heat = Matrix.from(raw.heat ?? [], this.steps.length);
    this.contribution = filled(raw.contribution) && Matrix.from(raw.contribution, this.steps.length);
    this.saturation = filled(raw.saturation);
    this.shut = filled(raw.shut);
    this.transport = filled(raw.transport);
    this.by_unit = filled(raw.by_unit);
    this.tapes = filled(raw.tapes);
    for (const name of ["loss", "gradient_norm", "clipped_gradient_norm", "lambda", "sigma_mean", "sigma_min", "rho"])
      this[name] = (raw[name] ?? []).map(fromPlain);
    const trivial = raw.config?.trivial_loss; // of the best answer that ignores the input
    this.trivialLoss = typeof trivial === "number" ? trivial : null;
    this.anchorColumn = nearest(this.steps, raw.anchor ?? raw.time);
  }

  rowAt(update) {
    return nearest(this.updates, update);
  }
  columnAt(step) {
    return nearest(this.steps, step);
  }

  // log₁₀ (γλ), what a step back multiplies by at most.
  logBound(row) {
    return Math.log10(this.gamma ?? NaN) + (this.lambda[row]?.log10 ?? NaN);
  }

  // log₁₀ of the article's bound on ‖∂L/∂s_k‖ by column: from the anchor on back, (γλ)^(anchor−k) times what arrives there.
  bound(row) {
    const start = this.heat.at(row, this.anchorColumn).log10;
    const rate = this.logBound(row);
    return this.steps.map((k, c) => {
      const value = c <= this.anchorColumn ? start + (this.anchor - k) * rate : NaN;
      return Number.isNaN(value) ? null : value;
    });
  }

  // The same at the first step alone.
  boundAtStart(row) {
    return this.heat.at(row, this.anchorColumn).log10 + (this.anchor - this.steps[0]) * this.logBound(row);
  }

  // The transport measured last by this row, or the first that there is.
  transportAt(row) {
    return this.transport?.findLast((measured) => measured.row <= row) ?? this.transport?.[0] ?? null;
  }

  // "vanishing: step 1 keeps …" as the word and what follows it.
  verdictAt(row) {
    const [word, ...rest] = String(this.verdict?.[row] ?? "").split(": ");
    return { word, rest: rest.join(": ") };
  }
}

// The least and the greatest number in lists of numbers, nulls and NaN left out; null where there is none.
export function extent(...lists) {
  let low = Infinity;
  let high = -Infinity;
  for (const list of lists) {
    for (const x of list) {
      if (x === null || x === undefined || !Number.isFinite(x)) continue;
      if (x < low) low = x;
      if (x > high) high = x;
    }
  }
  return low <= high ? [low, high] : null;
}

// A range for a log₁₀ axis: whole decades around it, two at least.
export function decades(range) {
  if (!range) return [-1, 1];
  let [low, high] = [Math.floor(range[0]), Math.ceil(range[1])];
  if (high - low < 2) {
    low -= 1;
    high = Math.max(high, low + 2);
  }
  return [low, high];
}
