/** SHA-256 (FIPS 180-4), as some browsers lack crypto.subtle on file: pages. */

const fraction = (root) => Math.floor((root % 1) * 2 ** 32);
const isPrime = (n) => [2, 3, 5, 7, 11, 13, 17].every((d) => n === d || n % d);
const PRIMES = Array.from({ length: 310 }, (_, i) => i + 2).filter(isPrime).slice(0, 64);
const ROUND = PRIMES.map((prime) => fraction(Math.cbrt(prime)));
const START = PRIMES.slice(0, 8).map((prime) => fraction(Math.sqrt(prime)));

/** Return the hash of bytes in hexadecimal. */
export function sha256(bytes) {
  const padded = new Uint8Array(Math.ceil((bytes.length + 9) / 64) * 64);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, Math.floor(bytes.length / 2 ** 29));
  view.setUint32(padded.length - 4, bytes.length << 3);
  const [state, words] = [Uint32Array.from(START), new Uint32Array(64)];
  for (let at = 0; at < padded.length; at += 64) compress(state, words, view, at);
  return [...state].map((word) => word.toString(16).padStart(8, "0")).join("");
}

function compress(state, w, view, at) {
  for (let i = 0; i < 16; i++) w[i] = view.getUint32(at + 4 * i);
  for (let i = 16; i < 64; i++) {
    const [low, high] = [w[i - 15], w[i - 2]];
    const a = turned(low, 7) ^ turned(low, 18) ^ (low >>> 3);
    const b = turned(high, 17) ^ turned(high, 19) ^ (high >>> 10);
    w[i] = w[i - 16] + a + w[i - 7] + b;
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let i = 0; i < 64; i++) {
    const choice = (e & f) ^ (~e & g);
    const one = (h + (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) + choice + ROUND[i] + w[i]) | 0;
    const two = (turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    [h, g, f, e] = [g, f, e, (d + one) | 0];
    [d, c, b, a] = [c, b, a, (one + two) | 0];
  }
  [a, b, c, d, e, f, g, h].forEach((value, i) => (state[i] += value));
}

function turned(word, by) {
  return (word >>> by) | (word << (32 - by));
}
