/**
 * From a drawing to the network's input, as np-nn predict makes it from a file.
 *
 * Steps and constants are those of np_nn/data/digit.py, for blank paper: the drawing is square and
 * holds the ink of each pixel, 0 to 255.
 */

import { resize } from "./resize.js";

export const FIELD = 28; // rows and columns of the picture
const BOX = 20; // longer side of the fitted digit, in pixels
const LEAST_CONTRAST = 16;
const ROUNDING = 1e-6; // maximum level that counts as paper
const SPECK = 0.03; // fraction of the largest part's area; smaller parts are not ink

/** Return the picture, FIELD * FIELD pixels as a Uint8Array, or null if there is no digit. */
export function prepare(ink, side, { deskew }) {
  const contrast = levels(ink, side);
  if (!contrast) return null;
  const picture = placed(fitted(contrast, side));
  return deskew ? deskewed(picture) : picture;
}

/** Return the ink as numbers 0 to 1 without specks, or null. */
function levels(ink, side) {
  const counts = new Float64Array(256);
  for (const value of ink) counts[value]++;
  const threshold = otsu(counts, ink.length);
  const high = quantile(counts.map((count, value) => (value > threshold ? count : 0)), 0.75);
  if (!(high >= LEAST_CONTRAST)) return null;
  const part = parts(ink, side);
  const areas = new Float64Array(part.reduce((a, b) => Math.max(a, b), 0) + 1);
  ink.forEach((value, i) => (areas[part[i]] += value > threshold));
  const least = Math.max(SPECK * areas.reduce((a, b) => Math.max(a, b), 0), 1);
  const shares = counts.map((_, value) => Math.min((value - ROUNDING) / (high - ROUNDING), 1));
  const levels = new Float32Array(ink.length);
  ink.forEach((value, i) => value && areas[part[i]] >= least && (levels[i] = shares[value]));
  return levels;
}

/** Return the threshold that best separates values in two classes (Otsu 1979). counts: of each. */
function otsu(counts, number) {
  const top = Math.max(1, counts.findLastIndex((count) => count > 0));
  const bins = new Float64Array(256);
  counts.forEach((count, value) => (bins[Math.min(255, Math.floor((value * 256) / top))] += count));
  const middle = (i) => ((i + 0.5) * top) / 256;
  const sum = bins.reduce((total, count, i) => total + count * middle(i), 0);
  let [best, edge, below, total] = [-1, 0, 0, 0];
  bins.forEach((count, i) => {
    below += count;
    total += count * middle(i);
    const above = number - below;
    const gap = total / Math.max(below, 1) - (sum - total) / Math.max(above, 1);
    const spread = below * above * gap ** 2;
    if (spread > best) [best, edge] = [spread, ((i + 1) * top) / 256];
  });
  return edge;
}

/** Return the quantile of values, for a share of 0..1. counts: of each value. */
function quantile(counts, share) {
  const place = share * (counts.reduce((a, b) => a + b, 0) - 1);
  const valueAt = (rank) => {
    let seen = 0;
    return counts.findIndex((count) => (seen += count) > rank);
  };
  const [low, high] = [Math.floor(place), Math.ceil(place)].map(valueAt);
  return low + (high - low) * (place % 1);
}

/** Label connected ink (8 neighbours): return the number of each pixel's part; 0: paper. */
function parts(ink, side) {
  const part = new Int32Array(ink.length);
  let count = 0;
  for (let start = 0; start < ink.length; start++) {
    if (!ink[start] || part[start]) continue;
    const reached = [start];
    part[start] = ++count;
    while (reached.length) {
      const i = reached.pop();
      const [row, column] = [Math.floor(i / side), i % side];
      for (let y = Math.max(0, row - 1); y <= Math.min(side - 1, row + 1); y++) {
        for (let x = Math.max(0, column - 1); x <= Math.min(side - 1, column + 1); x++) {
          const next = y * side + x;
          if (!ink[next] || part[next]) continue;
          part[next] = count;
          reached.push(next);
        }
      }
    }
  }
  return part;
}

/** Crop to the ink, resize its longer side to BOX pixels, and scale its maximum to 1. */
function fitted(levels, side) {
  let [top, bottom, left, right] = [side, -1, side, -1];
  levels.forEach((value, i) => {
    if (!value) return;
    const [row, column] = [Math.floor(i / side), i % side];
    [top, bottom] = [Math.min(top, row), Math.max(bottom, row)];
    [left, right] = [Math.min(left, column), Math.max(right, column)];
  });
  const [width, height] = [right - left + 1, bottom - top + 1];
  const values = new Float32Array(width * height);
  for (let row = 0; row < height; row++) {
    const start = (top + row) * side + left;
    values.set(levels.subarray(start, start + width), row * width);
  }
  const scale = BOX / Math.max(width, height);
  const [columns, rows] = [width, height].map((length) => Math.max(1, even(length * scale)));
  const small = resize({ width, height, values }, columns, rows, scale >= 1);
  const clipped = small.values.map((value) => Math.min(Math.max(value, 0), 1));
  const most = clipped.reduce((a, b) => Math.max(a, b), 0);
  return { ...small, values: clipped.map((value) => value / most) };
}

/** Return the picture with the ink's centre of mass in the middle, keeping all ink inside. */
function placed({ width, height, values }) {
  let [mass, down, right] = [0, 0, 0];
  values.forEach((value, i) => {
    mass += value;
    down += value * Math.floor(i / width);
    right += value * (i % width);
  });
  const start = (centre, length) =>
    Math.min(Math.max(even(FIELD / 2 - centre), 0), FIELD - length);
  const [top, left] = [start(down / mass, height), start(right / mass, width)];
  const picture = new Uint8Array(FIELD * FIELD);
  values.forEach((value, i) => {
    const place = (top + Math.floor(i / width)) * FIELD + left + (i % width);
    picture[place] = even(Math.fround(255 * value));
  });
  return picture;
}

/** Round to the nearest integer, halves to even, as Python does. */
function even(value) {
  const below = Math.floor(value);
  const up = value - below > 0.5 || (value - below === 0.5 && below % 2 !== 0);
  return up ? below + 1 : below;
}

/** Deskew a picture in float32, as deskew in np_nn/data/preprocess.py does. */
function deskewed(picture) {
  const sums = [0, 0, 0, 0, 0]; // of p, y p, x p, y y p, x y p
  picture.forEach((p, i) => {
    const [y, x] = [Math.floor(i / FIELD), i % FIELD];
    [1, y, x, y * y, x * y].forEach((factor, at) => (sums[at] += factor * p));
  });
  const [y, x, yy, xy] = sums.slice(1).map((sum) => sum / Math.max(sums[0], 1));
  const variance = yy - y * y;
  const slant = variance > 1e-9 ? (xy - x * y) / variance : 0;
  const middle = FIELD / 2;
  const [lean, down, right] = [slant, y - middle, x - middle - slant * middle].map(Math.fround);
  const at = (row, column) =>
    row < 0 || row >= FIELD || column < 0 || column >= FIELD ? 0 : picture[row * FIELD + column];
  return picture.map((_, i) => {
    const [row, column] = [Math.floor(i / FIELD), i % FIELD];
    const across = Math.fround(Math.fround(Math.fround(lean * row) + right) + column);
    return bilinear(at, inside(Math.fround(row + down)), inside(across));
  });
}

function inside(place) {
  return Math.min(Math.max(place, -1), FIELD);
}

function bilinear(at, y, x) {
  const [top, left] = [Math.floor(y), Math.floor(x)];
  const [down, right] = [y - top, x - left].map(Math.fround);
  const between = (a, b, share) => Math.fround(a + Math.fround(share * Math.fround(b - a)));
  const row = (at_y) => between(at(at_y, left), at(at_y, left + 1), right);
  return Math.floor(between(row(top), row(top + 1), down) + 0.5);
}
