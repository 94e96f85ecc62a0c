/** Model files of np_nn: safetensors with a description; see np_nn/utils/archive.py. */

import { ACTIVATIONS, linears, transposed } from "./mlp.js";
import { sha256 } from "./sha256.js";

const FORMAT = 1;
const UNSIGNED = "0".repeat(64); // placeholder of the SHA-256 in the bytes that are hashed
const LENGTH = 8; // bytes of the header's length
const PASSIVE = ["Sequential", "Flatten"];

/** Return the bytes of a model file. about: {dataset, recipe} for its info. */
export function pack(model, about) {
  const layers = [{ name: "", type: "Sequential", config: {} }];
  const [arrays, bodies] = [{}, []];
  let end = 0;
  const add = (name, shape, array) => {
    arrays[name] = { dtype: "F32", shape, data_offsets: [end, (end += array.byteLength)] };
    bodies.push(array);
  };
  const { type } = ACTIVATIONS[model.activation];
  linears(model).forEach(({ weight, bias, inputs, outputs }, i) => {
    if (i && type) layers.push({ name: `${layers.length - 1}`, type, config: {} });
    const name = `${layers.length - 1}`;
    const config = { in_features: inputs, out_features: outputs, bias: true };
    layers.push({ name, type: "Linear", config });
    add(`${name}.weight`, [outputs, inputs], transposed(weight, inputs, outputs));
    add(`${name}.bias`, [outputs], bias);
  });
  const { classes, scale, shift } = model;
  const preparation = { kind: "digit", shape: [28, 28], pixels: true, deskew: false, scale, shift };
  const tree = { network: { layers, info: { ...about, classes, preparation } } };
  const np_nn = JSON.stringify({ format: FORMAT, sha256: UNSIGNED, tree });
  return signed(JSON.stringify({ __metadata__: { np_nn }, ...arrays }), bodies, end);
}

function signed(header, bodies, size) {
  const text = new TextEncoder().encode(header);
  const start = Math.ceil((LENGTH + text.length) / 8) * 8;
  const bytes = new Uint8Array(start + size).fill(32, 0, start);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(start - LENGTH), true);
  bytes.set(text, LENGTH);
  let at = start;
  for (const { buffer, byteOffset, byteLength } of bodies) {
    bytes.set(new Uint8Array(buffer, byteOffset, byteLength), at);
    at += byteLength;
  }
  bytes.set(new TextEncoder().encode(sha256(bytes)), LENGTH + header.indexOf(UNSIGNED));
  return bytes;
}

/** Read a model from the bytes of a file. Throws an Error that says what is not supported. */
export function unpack(bytes) {
  const { header, about, start } = opened(bytes);
  if (about.format > FORMAT) throw new Error("It is from a later np_nn: make the page with that.");
  verify(bytes, start, about.sha256);
  const { layers, info } = about.tree.network ?? {};
  if (!layers) throw new Error("It holds no network: save one by np-nn train --export.");
  const kinds = layers.map(({ type }) => type).filter((type) => !PASSIVE.includes(type));
  const linear = layers.filter(({ type }) => type === "Linear");
  const type = kinds.find((each) => each !== "Linear") ?? null;
  const activation = ACTIVATIONS.findIndex((each) => each.type === type);
  const { kind, shape, deskew, scale, shift } = info.preparation;
  const fits = kinds.join() === linear.map(() => "Linear").join(type ? `,${type},` : ",");
  if (!fits || activation < 0 || !linear.length) {
    throw new Error("It has other layers: the page trains Linear layers with one activation.");
  }
  if (kind !== "digit" || deskew || `${shape}` !== "28,28") {
    throw new Error("Its inputs are prepared: the page trains on images of 28 x 28 as they are.");
  }
  const { widths, weights } = parameters(linear, (name) => array(bytes, start, header[name]));
  return { widths, weights, activation, classes: info.classes, scale, shift };
}

/** Return the header, our part of its metadata, and where the arrays begin. */
function opened(bytes) {
  try {
    const start = LENGTH + new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(LENGTH, start)));
    return { header, about: JSON.parse(header.__metadata__.np_nn), start };
  } catch {
    throw new Error("It is not a model of np_nn: choose one from np-nn train --export or a page.");
  }
}

function verify(bytes, start, found) {
  const at = new TextDecoder("latin1").decode(bytes.subarray(0, start)).indexOf(found);
  const unsigned = bytes.slice();
  unsigned.set(new TextEncoder().encode(UNSIGNED), at);
  if (sha256(unsigned) !== found) throw new Error("It is damaged: its SHA-256 does not match.");
}

function array(bytes, start, entry) {
  if (!entry) return null;
  if (entry.dtype !== "F32") throw new Error(`Its weights are ${entry.dtype}; the page takes F32.`);
  return new Float32Array(bytes.slice(...entry.data_offsets.map((at) => start + at)).buffer);
}

/** Return {widths, weights} of the linear layers of a file; a missing bias is 0. */
function parameters(linear, named) {
  const widths = [linear[0].config.in_features, ...linear.map(({ config }) => config.out_features)];
  const weights = linear.flatMap(({ name, config: { in_features, out_features } }) => [
    transposed(named(`${name}.weight`), out_features, in_features),
    named(`${name}.bias`) ?? new Float32Array(out_features),
  ]);
  const flat = new Float32Array(weights.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  weights.forEach((each) => flat.set(each, (at += each.length) - each.length));
  return { widths, weights: flat };
}
