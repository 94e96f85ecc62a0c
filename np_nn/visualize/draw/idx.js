/** Images and labels in MNIST's file format, IDX, plain or compressed by gzip. */

const SIDE = 28; // rows and columns of an image: the pad makes such pictures
const GZIP = 0x1f8b;
const KINDS = { 0x801: "labels", 0x803: "images" };
const HELD_OUT = 1 / 6; // of a single pair becomes the test set: 10,000 of MNIST's 60,000

/**
 * Return {train, test} from files, each {images, labels, size, classes}. Of two pairs, the larger
 * one is the training set; the end of a single pair is held out. Throws an Error that says in one
 * sentence what does not fit.
 */
export async function readSets(files) {
  const read = await Promise.all([...files].map(readFile));
  const of = (kind) => read.filter((one) => one.kind === kind);
  const pairs = of("images").map(({ name, count, bytes }) => {
    const [labels, more] = of("labels").filter((one) => one.count === count);
    if (!labels || more) throw new Error(`${name}: choose one file of ${count} labels with it.`);
    return { images: bytes, labels: labels.bytes };
  });
  if (![1, 2].includes(pairs.length) || read.length !== 2 * pairs.length) {
    throw new Error("Choose a file of images with its labels; a second pair for tests may follow.");
  }
  const [train, test] = pairs.sort((one, other) => other.labels.length - one.labels.length);
  return split(train, test);
}

/** Return {train, test}; without a test set, the end of the training set is held out. */
export function split(train, test) {
  const cut = Math.max(1, Math.ceil(train.labels.length * (1 - HELD_OUT)));
  const part = ({ images, labels }, from, to) => ({
    images: images.subarray(from * SIDE ** 2, to * SIDE ** 2), labels: labels.subarray(from, to),
  });
  const sets = test ? [train, test] : [part(train, 0, cut), part(train, cut)];
  const most = train.labels.reduce((a, b) => Math.max(a, b), 1);
  const classes = test ? test.labels.reduce((a, b) => Math.max(a, b), most) + 1 : most + 1;
  const [first, second] = sets.map((set) => ({ ...set, size: SIDE ** 2, classes }));
  return { train: first, test: second };
}

async function readFile(file) {
  const start = new DataView(await file.slice(0, 2).arrayBuffer());
  const zipped = start.byteLength === 2 && start.getUint16(0) === GZIP;
  const bytes = await (zipped ? unzipped(file) : file.arrayBuffer()).catch(() => {
    throw new Error(`${file.name}: damaged, its gzip data end too early or are invalid.`);
  });
  const view = new DataView(bytes);
  const kind = bytes.byteLength >= 8 && KINDS[view.getUint32(0)];
  if (!kind) throw new Error(`${file.name}: not an IDX file of images or labels, such as MNIST's.`);
  const header = kind === "images" ? 16 : 8;
  const count = view.getUint32(4);
  const sides = kind === "images" ? [view.getUint32(8), view.getUint32(12)] : [];
  if (sides.some((side) => side !== SIDE)) {
    throw new Error(`${file.name}: images of ${sides.join(" x ")} pixels; the page takes 28 x 28.`);
  }
  const wanted = header + count * sides.reduce((a, b) => a * b, 1);
  if (!count || bytes.byteLength !== wanted) {
    throw new Error(`${file.name}: damaged, ${bytes.byteLength} bytes for ${count} ${kind}.`);
  }
  return { name: file.name, kind, count, bytes: new Uint8Array(bytes, header) };
}

/** Return the bytes of a compressed Blob as an ArrayBuffer. */
export function unzipped(blob) {
  return new Response(blob.stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}
