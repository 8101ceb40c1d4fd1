// From a file to the numbers in it. PNG and TIFF are read here, for a browser gives 8 bits of them.

export const MOST_PIXELS = 4096 * 4096;

/** Something that the page says in a sentence: the sentence's name, and what is filled in. */
export class Refusal extends Error {
  constructor(name, values = {}) {
    super(name);
    this.values = values;
  }
}

/** Read a picture: its width, height, bits, and channels, one or three arrays of whole numbers. */
export async function readPicture(blob, name) {
  const bytes = new DataView(await blob.arrayBuffer());
  const first = bytes.byteLength < 26 ? 0 : bytes.getUint32(0);
  let picture = null;
  try {
    if (first === 0x89504e47) picture = await readPng(bytes, name);
    if (first === 0x49492a00 || first === 0x4d4d002a) picture = readTiff(bytes, name);
    if (first === 0x49492b00 || first === 0x4d4d002b) throw unreadable(name, "why_big");
  } catch (error) {
    throw error instanceof Refusal ? error : new Refusal("damaged", { name });
  }
  return picture ?? (await readByBrowser(blob, name));
}

/** Refuse what is too large before anything is made of it. */
function checked(width, height, name) {
  if (!width || !height) throw new Refusal("damaged", { name });
  if (width * height > MOST_PIXELS) throw new Refusal("too_large", { name, width, height });
}

/** Part the numbers of a picture into its channels; a fourth, transparency, is left out. */
function parted(numbers, samples, width, height, bits) {
  const pixels = width * height;
  const channels =
    samples === 1
      ? [numbers]
      : Array.from({ length: samples < 3 ? 1 : 3 }, (_, c) => {
          const channel = new numbers.constructor(pixels);
          for (let i = 0; i < pixels; i++) channel[i] = numbers[i * samples + c];
          return channel;
        });
  return { width, height, bits, channels };
}

// --- PNG --------------------------------------------------------------------------------

// Numbers for each pixel, by colour type: grey, colours, and both with transparency.
const SAMPLES = { 0: 1, 2: 3, 4: 2, 6: 4 };

/** A PNG of 8 or 16 bits; null if it is of a rarer kind, which is left to the browser. */
async function readPng(bytes, name) {
  const width = bytes.getUint32(16);
  const height = bytes.getUint32(20);
  const bits = bytes.getUint8(24);
  const samples = SAMPLES[bytes.getUint8(25)];
  const interlaced = bytes.getUint8(28);
  checked(width, height, name);
  if (!samples || bits < 8 || interlaced) return null;
  const packed = [];
  for (let at = 8; at < bytes.byteLength;) {
    const length = bytes.getUint32(at);
    const kind = bytes.getUint32(at + 4);
    if (kind === 0x49444154) packed.push(new Uint8Array(bytes.buffer, at + 8, length)); // IDAT
    if (kind === 0x49454e44) break; // IEND
    at += length + 12;
  }
  const pixel = (samples * bits) / 8;
  const row = width * pixel;
  const filtered = await inflated(packed, height * (row + 1));
  const plain = unfiltered(filtered, height, row, pixel);
  return parted(
    bits === 8 ? plain : wide(new DataView(plain.buffer), 0, plain.length / 2, false),
    samples,
    width,
    height,
    bits,
  );
}

/** Unpack to exactly so many bytes; more are never made. */
async function inflated(parts, size) {
  const stream = new Blob(parts).stream().pipeThrough(new DecompressionStream("deflate"));
  const all = new Uint8Array(size);
  let filled = 0;
  for (const reader = stream.getReader(); ;) {
    const { done, value } = await reader.read();
    if (done) break;
    all.set(value, filled); // an error if there are too many
    filled += value.length;
  }
  if (filled !== size) throw new Error("too few");
  return all;
}

/** Undo PNG's filters: each byte was stored as its difference to what its neighbours suggest. */
function unfiltered(filtered, height, row, pixel) {
  const plain = new Uint8Array(height * row);
  for (let y = 0; y < height; y++) {
    const kind = filtered[y * (row + 1)];
    const from = y * (row + 1) + 1;
    const to = y * row;
    for (let x = 0; x < row; x++) {
      const left = x < pixel ? 0 : plain[to + x - pixel];
      const up = y === 0 ? 0 : plain[to + x - row];
      const corner = x < pixel || y === 0 ? 0 : plain[to + x - row - pixel];
      let expected = 0;
      if (kind === 1) expected = left;
      else if (kind === 2) expected = up;
      else if (kind === 3) expected = (left + up) >> 1;
      else if (kind === 4) expected = paeth(left, up, corner);
      plain[to + x] = filtered[from + x] + expected;
    }
  }
  return plain;
}

function paeth(left, up, corner) {
  const a = Math.abs(up - corner);
  const b = Math.abs(left - corner);
  const c = Math.abs(left + up - 2 * corner);
  return a <= b && a <= c ? left : b <= c ? up : corner;
}

function wide(bytes, at, count, little) {
  const numbers = new Uint16Array(count);
  for (let i = 0; i < count; i++) numbers[i] = bytes.getUint16(at + 2 * i, little);
  return numbers;
}

// --- TIFF -------------------------------------------------------------------------------

const unreadable = (name, why) => new Refusal("tiff", { name, why });

/** The first page of a TIFF, if it is stored plainly. */
function readTiff(bytes, name) {
  const little = bytes.getUint8(0) === 0x49;
  const short = (at) => bytes.getUint16(at, little);
  const long = (at) => bytes.getUint32(at, little);
  const tags = {};
  const start = long(4);
  for (let i = 0, at = start + 2; i < short(start); i++, at += 12) {
    const size = { 1: 1, 3: 2, 4: 4 }[short(at + 2)]; // bytes, short and long numbers
    if (!size) continue;
    const count = long(at + 4);
    const place = count * size > 4 ? long(at + 8) : at + 8;
    if (place + count * size > bytes.byteLength) throw new Error("cut short");
    const read = { 1: (p) => bytes.getUint8(p), 2: short, 4: long }[size];
    tags[short(at)] = Array.from({ length: count }, (_, k) => read(place + k * size));
  }
  const one = (tag, usual) => (tags[tag] ?? [usual])[0];
  const width = one(256);
  const height = one(257);
  const samples = one(277, 1);
  const bits = tags[258] ?? [1];
  checked(width, height, name);
  if (one(259, 1) !== 1) throw unreadable(name, "why_compressed");
  if (tags[322]) throw unreadable(name, "why_tiles");
  if (!bits.every((b) => b === bits[0]) || ![8, 16].includes(bits[0]) || one(339, 1) !== 1)
    throw unreadable(name, "why_bits");
  if (![1, 3, 4].includes(samples) || (samples > 1 && one(284, 1) !== 1) || one(262, 1) > 2)
    throw unreadable(name, "why_channels");
  const count = width * height * samples;
  const strip = Math.min(one(278, height), height) * width * samples;
  const numbers = bits[0] === 8 ? new Uint8Array(count) : new Uint16Array(count);
  tags[273].forEach((place, k) => {
    const length = Math.min(strip, count - k * strip);
    if (length <= 0) return;
    numbers.set(
      bits[0] === 8
        ? new Uint8Array(bytes.buffer, place, length)
        : wide(bytes, place, length, little),
      k * strip,
    );
  });
  if (tags[273].length * strip < count) throw new Error("cut short");
  if (one(262, 1) === 0) {
    // stored as a negative
    for (let i = 0; i < count; i++) numbers[i] = 2 ** bits[0] - 1 - numbers[i];
  }
  return parted(numbers, samples, width, height, bits[0]);
}

// --- all others -------------------------------------------------------------------------

/** What the browser can read, in 8 bits; a picture whose colours are all grey is grey. */
async function readByBrowser(blob, name) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(blob, {
      colorSpaceConversion: "none",
      premultiplyAlpha: "none",
    });
  } catch {
    throw new Refusal("not_picture", { name });
  }
  const { width, height } = bitmap;
  checked(width, height, name);
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  const picture = parted(context.getImageData(0, 0, width, height).data, 4, width, height, 8);
  const [red, green, blue] = picture.channels;
  if (red.every((n, i) => n === green[i] && n === blue[i])) picture.channels = [red];
  return picture;
}

/** The channels that the network takes; and the name of a sentence on how they came, or null. */
export function fitted(channels, wanted) {
  if (channels.length === wanted) return [channels, null];
  if (wanted === 3) return [[channels[0], channels[0], channels[0]], "grey"];
  const [red, green, blue] = channels;
  return [[red.map((n, i) => Math.max(n, green[i], blue[i]))], "brightest"];
}
