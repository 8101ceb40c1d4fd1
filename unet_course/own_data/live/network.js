// The network itself: fetched once, then run over a picture, tile by tile.

import * as ort from "./runtime/ort.wasm.bundle.min.mjs";
import { Refusal } from "./pictures.js";

const TILE = 512; // the largest side of what is computed at a time, without what is shown around it
const PICTURE = 360; // the largest side of a feature picture on the page

/** Fetch the program that runs networks, and the network; `told` hears how many bytes are there. */
export async function openNetwork(told) {
  let there = 0;
  const fetched = async (name) => {
    const answer = await fetch(new URL(name, import.meta.url)).catch(() => ({}));
    if (!answer.ok) throw new Refusal("not_there", { name });
    const parts = [];
    for (const reader = answer.body.getReader(); ;) {
      const { done, value } = await reader.read();
      if (done) break;
      parts.push(value);
      told((there += value.length));
    }
    return new Blob(parts);
  };
  const [packed, model] = await Promise.all([
    fetched("runtime/ort-wasm-simd-threaded.wasm.gz"),
    fetched("model.onnx"),
  ]);
  ort.env.wasm.numThreads = 1; // more would need a server that sends special headers
  ort.env.wasm.wasmBinary = await unpacked(packed);
  return ort.InferenceSession.create(await model.arrayBuffer(), { executionProviders: ["wasm"] });
}

/** Some servers let the browser unpack a .gz by itself; then it is plain already. */
async function unpacked(blob) {
  const start = new Uint8Array(await blob.slice(0, 2).arrayBuffer());
  const plain =
    start[0] === 0x1f && start[1] === 0x8b
      ? blob.stream().pipeThrough(new DecompressionStream("gzip"))
      : blob;
  return new Response(plain).arrayBuffer();
}

/**
 * Run the network over a picture.
 *
 * Gives for each pixel the best class of those that are counted (`inside`), the best of the others
 * (`outside`), and how much larger the first one's score is (`lead`); and the feature pictures of
 * all levels.
 */
export async function segmented(session, about, input, width, height, told) {
  const { step, margin, channels, counted } = about;
  const pixels = width * height;
  const found = {
    inside: new Uint8Array(pixels),
    outside: new Uint8Array(pixels),
    lead: new Float32Array(pixels),
  };
  const levels = Object.entries(about.levels).map(
    ([name, count]) => new Level(name, count, step, width, height),
  );
  const rows = spans(height, margin, step);
  const columns = spans(width, margin, step);
  let done = 0;
  for (const row of rows) {
    for (const column of columns) {
      await told(done, rows.length * columns.length);
      const shown = new Float32Array(channels * row.size * column.size);
      for (let c = 0, to = 0; c < channels; c++) {
        for (let y = row.shown; y < row.shown + row.size; y++, to += column.size) {
          const from = c * pixels + y * width + column.shown;
          shown.set(input.subarray(from, from + column.size), to);
        }
      }
      const image = new ort.Tensor("float32", shown, [1, channels, row.size, column.size]);
      const results = await session.run({ image });
      take(results.logits, counted, row, column, width, found);
      for (const level of levels) level.take(results[level.name], row, column);
      for (const tensor of Object.values(results)) tensor.dispose();
      done += 1;
    }
  }
  await told(done, done);
  return { ...found, levels: levels.map((level) => level.finished()) };
}

/** Cut one axis into tiles of about the same size: what each answers for, and what it is shown. */
export function spans(size, margin, step, tile = TILE) {
  const length = Math.ceil(size / Math.ceil(size / tile) / step) * step;
  const found = [];
  for (let start = 0; start < size; start += length) {
    const stop = Math.min(start + length, size);
    const shown = Math.max(Math.floor((start - margin) / step) * step, 0);
    const end = Math.min(Math.ceil((stop + margin) / step) * step, size);
    found.push({ start, stop, shown, size: end - shown });
  }
  return found;
}

/** From a tile's scores to what is kept of each pixel that it answers for. */
function take(logits, counted, row, column, width, { inside, outside, lead }) {
  const scores = logits.data;
  const classes = logits.dims[1];
  const area = row.size * column.size;
  for (let y = row.start; y < row.stop; y++) {
    for (let x = column.start; x < column.stop; x++) {
      const here = (y - row.shown) * column.size + (x - column.shown);
      let most = -Infinity;
      let other = -Infinity;
      let k = 0;
      let l = 0;
      for (let c = 0; c < classes; c++) {
        const score = scores[c * area + here];
        if (counted.includes(c)) {
          if (score > most) [most, k] = [score, c];
        } else if (score > other) [other, l] = [score, c];
      }
      const at = y * width + x;
      inside[at] = k;
      outside[at] = l;
      lead[at] = most - other;
    }
  }
}

/** One level of the U, over the whole picture; of a large one, the means of small squares. */
class Level {
  constructor(name, channels, step, width, height) {
    const number = Number(name.replace(/\D/g, "")) || 0;
    this.scale = name === "bottom" ? step : 2 ** number;
    Object.assign(this, {
      name,
      channels,
      width: Math.ceil(width / this.scale),
      height: Math.ceil(height / this.scale),
    });
    this.square = Math.ceil(Math.max(this.width, this.height) / PICTURE);
    this.across = Math.ceil(this.width / this.square);
    this.sums = new Float32Array(this.across * Math.ceil(this.height / this.square));
    this.counts = new Float32Array(this.sums.length);
  }

  take(tensor, row, column) {
    const wide = tensor.dims[3]; // more than the tile's own: a canvas
    for (let y = row.start / this.scale; y < row.stop / this.scale; y++) {
      const from = (y - row.shown / this.scale) * wide - column.shown / this.scale;
      const to = Math.floor(y / this.square) * this.across;
      for (let x = column.start / this.scale; x < column.stop / this.scale; x++) {
        const at = to + Math.floor(x / this.square);
        this.sums[at] += tensor.data[from + x];
        this.counts[at] += 1;
      }
    }
  }

  finished() {
    const { name, channels, width, height, across, counts } = this;
    const means = this.sums.map((sum, i) => sum / counts[i]);
    return { name, channels, width, height, across, means, level: Math.log2(this.scale) };
  }
}
