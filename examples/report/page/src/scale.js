// The colour scale that the heat maps of all runs share.
import { divergingPixel } from "./palette.js";

const limits = [2, 4, 6, 12, 24, 48, 100, 300]; // even: half of each is a whole power, too

// The decades that the colours reach, in either direction: chosen so that nineteen of twenty numbers fall inside, up to 12.
export class ColorScale {
  constructor(runs) {
    const sizes = runs.flatMap((run) => sample(run.heat)).sort((a, b) => a - b);
    const wanted = sizes[Math.floor(sizes.length * 0.95)] ?? 1;
    this.limit = limits.find((limit) => limit >= Math.min(wanted, 12)) ?? 12;
    this.listeners = [];
  }

  static choices = limits;

  choose(limit) {
    this.limit = limit;
    for (const listener of this.listeners) listener();
  }
  onChange(listener) {
    this.listeners.push(listener);
  }

  pixel(log10) {
    return divergingPixel(0.5 + log10 / (2 * this.limit));
  }
}

// Up to ten thousand sizes |log₁₀| of a matrix, evenly spread.
function sample({ log10 }) {
  const stride = Math.max(1, Math.floor(log10.length / 10_000));
  const sizes = [];
  for (let i = 0; i < log10.length; i += stride) {
    if (!Number.isNaN(log10[i])) sizes.push(Math.abs(log10[i]));
  }
  return sizes;
}
