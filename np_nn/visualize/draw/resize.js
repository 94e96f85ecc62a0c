/** Resizing of gray images (rows of numbers) with the arithmetic of Pillow's mode F. */

const BOX = { reach: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) };
const BICUBIC = {
  reach: 2,
  weight(x) {
    const far = Math.abs(x);
    if (far < 1) return (1.5 * far - 2.5) * far * far + 1;
    return far < 2 ? (((far - 5) * far + 8) * far - 4) * -0.5 : 0;
  },
};

/** Resize an image {width, height, values} by area means or, with bicubic, by cubic filters. */
export function resize(image, width, height, bicubic) {
  const filter = bicubic ? BICUBIC : BOX;
  return turned(widened(turned(widened(image, width, filter)), height, filter));
}

function widened({ width, height, values }, columns, filter) {
  if (columns === width) return { width, height, values };
  const out = new Float32Array(columns * height);
  weights(width, columns, filter).forEach(({ first, shares }, column) => {
    for (let row = 0; row < height; row++) {
      let sum = 0;
      shares.forEach((share, i) => (sum += share * values[row * width + first + i]));
      out[row * columns + column] = sum;
    }
  });
  return { width: columns, height, values: out };
}

/** Return for each new column its first old column, and the weights of the old ones from there. */
function weights(before, after, { reach, weight }) {
  const step = before / after;
  const wide = Math.max(step, 1);
  return Array.from({ length: after }, (_, column) => {
    const centre = (column + 0.5) * step;
    const first = Math.max(0, Math.trunc(centre - reach * wide + 0.5));
    const end = Math.min(before, Math.trunc(centre + reach * wide + 0.5));
    const raw = Array.from({ length: end - first }, (_, i) =>
      weight((i + first - centre + 0.5) * (1 / wide)),
    );
    const sum = raw.reduce((a, b) => a + b, 0);
    return { first, shares: raw.map((w) => w * (1 / sum)) };
  });
}

function turned({ width, height, values }) {
  const at = (i) => values[(i % height) * width + Math.floor(i / height)];
  return { width: height, height: width, values: values.map((_, i) => at(i)) };
}
