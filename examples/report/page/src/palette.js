// Colours of maps, computed in OKLab so that equal steps of a value look like equal steps, and told apart by eyes that
// mix red and green: blue fades away, orange surges, and in the middle stands 1. Kinds that are no numbers have patterns.
import { isDark } from "./theme.js";

// OKLCH (lightness 0…1, chroma, hue in degrees) to sRGB bytes. B. Ottosson, "A perceptual color space", 2020.
function bytes([lightness, chroma, hue]) {
  const a = chroma * Math.cos((hue * Math.PI) / 180);
  const b = chroma * Math.sin((hue * Math.PI) / 180);
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ].map((x) => {
    const light = Math.min(Math.max(x, 0), 1);
    return Math.round(255 * (light <= 0.0031308 ? 12.92 * light : 1.055 * light ** (1 / 2.4) - 0.055));
  });
}

const between = (from, to, t) => from.map((x, i) => x + (to[i] - x) * t);
const packed = ([r, g, b]) => (255 << 24) | (b << 16) | (g << 8) | r; // as a little-endian pixel of ImageData
const steps = 256;

function table(at) {
  return Uint32Array.from({ length: steps }, (_, i) => packed(bytes(at(i / (steps - 1)))));
}

// Lightness runs evenly from the middle to either end; chroma rises faster, so that small excursions have a hue.
function diverging(middle, low, high) {
  return table((t) => {
    const way = Math.abs(2 * t - 1);
    const end = t < 0.5 ? low : high;
    return [middle + (end[0] - middle) * way, end[1] * way ** 0.7, end[2]];
  });
}

const sets = {
  light: {
    diverging: diverging(0.96, [0.36, 0.14, 258], [0.42, 0.13, 48]),
    sequential: table((t) => between([0.3, 0.09, 265], [0.92, 0.13, 100], t)),
    kinds: [
      null,
      ["8a8a8a", "8a8a8a"],
      ["ffffff", "8c8c8c"],
      ["c9ead3", "17784a"],
      ["e0d0f2", "5a2b8a"],
      ["ffc0dc", "b0005c"],
      ["ffd60a", "161616"],
    ],
  },
  dark: {
    diverging: diverging(0.27, [0.78, 0.12, 240], [0.78, 0.13, 62]),
    sequential: table((t) => between([0.27, 0.08, 265], [0.92, 0.13, 100], t)),
    kinds: [
      null,
      ["848484", "848484"],
      ["1b1e24", "747a85"],
      ["0f3b28", "55c78f"],
      ["31204a", "b793e6"],
      ["5a0d36", "ff85bd"],
      ["ffd60a", "161616"],
    ],
  },
};

const set = () => sets[isDark() ? "dark" : "light"];

// A pixel for t in 0…1.
export function divergingPixel(t) {
  return set().diverging[Math.round(Math.min(Math.max(t, 0), 1) * (steps - 1))];
}
export function sequentialPixel(t) {
  return set().sequential[Math.round(Math.min(Math.max(t, 0), 1) * (steps - 1))];
}

export function css(pixel) {
  return `rgb(${pixel & 255} ${(pixel >> 8) & 255} ${(pixel >> 16) & 255})`;
}

// Where a kind's second colour shows, in tiles of 8 × 8.
const patterns = [
  null,
  () => false, // zero: plain grey
  (x, y) => x % 4 < 1 && y % 4 < 1, // no path: dots on nothing
  (x, y) => (x + y) % 8 < 3, // saturated: rising stripes
  (x, y) => (x - y + 8) % 8 < 3, // underflow: falling stripes
  (x, y) => x % 8 < 2 || y % 8 < 2, // infinity: a grid
  (x, y) => (((x >> 2) + (y >> 2)) & 1) === 1, // NaN: a chessboard
];

const tileSize = 8;
const pixelOf = (hex) => packed([0, 2, 4].map((i) => Number.parseInt(hex.slice(i, i + 2), 16)));

// Tiles by kind as pixels, to be repeated: tile[(y % 8) * 8 + x % 8].
export function kindTiles() {
  return set().kinds.map((colors, kind) => {
    if (!colors) return null;
    const [ground, figure] = colors.map(pixelOf);
    return Uint32Array.from({ length: tileSize * tileSize }, (_, i) =>
      patterns[kind](i % tileSize, Math.floor(i / tileSize)) ? figure : ground,
    );
  });
}

// A kind as a fill style.
export function kindFill(context, kind) {
  const tile = new OffscreenCanvas(tileSize, tileSize);
  const pixels = new Uint8ClampedArray(kindTiles()[kind].buffer);
  tile.getContext("2d").putImageData(new ImageData(pixels, tileSize, tileSize), 0, 0);
  return context.createPattern(tile, "repeat");
}
