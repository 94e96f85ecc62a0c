/** The arrays of a page, stored as one base64 block of float32 and float16 numbers. */

/** Return the number of elements of an array with this shape. */
export function size(shape) {
  return shape.reduce((product, side) => product * side, 1);
}

/** Return a Float32Array for each array of a network's facts. */
export function readArrays(facts) {
  const bytes = Uint8Array.from(atob(facts.weights), (letter) => letter.charCodeAt(0));
  return facts.arrays.map(({ shape, type, start }) => {
    const part = (width) => bytes.slice(start, start + width * size(shape)).buffer;
    return type === "float16" ? widened(new Uint16Array(part(2))) : new Float32Array(part(4));
  });
}

/** Convert float16 numbers, given as their bits, to a Float32Array, exactly. */
function widened(halves) {
  return Float32Array.from(halves, (bits) => {
    const sign = bits >> 15 ? -1 : 1;
    const exponent = (bits >> 10) & 31;
    const fraction = (bits & 1023) / 1024;
    return sign * (exponent ? (1 + fraction) * 2 ** (exponent - 15) : fraction * 2 ** -14);
  });
}
