// What takes long, beside the page: reading, segmenting, counting, drawing.

import { classesAt, numbered } from "./objects.js";
import { drawn, drawnLevel } from "./drawing.js";
import { fitted, readPicture, Refusal } from "./pictures.js";
import { openNetwork, segmented } from "./network.js";
import { scaled } from "./scaling.js";

let session = null; // the network, once it is fetched
let found = null; // what it has found in the picture that is shown
let latest = 0; // the number of the picture that was asked for last; an older one is given up

onmessage = async ({ data }) => {
  if (data.wish === "stop") latest = data.number;
  if (data.wish === "draw" && found) draw(data);
  if (data.wish === "segment") {
    latest = data.number;
    try {
      await segment(data);
    } catch (error) {
      if (error === GIVEN_UP) return;
      const [text, values] =
        error instanceof Refusal
          ? [error.message, error.values]
          : ["failed", { what: String(error) }];
      postMessage({ kind: "refused", number: data.number, text, values });
    }
  }
};

const GIVEN_UP = new Error("another picture was chosen");

async function segment({ number, file, name, about, threshold, view }) {
  const still = async () => {
    await new Promise((done) => setTimeout(done)); // hear what the page has said meanwhile
    if (number !== latest) throw GIVEN_UP;
  };
  const say = (kind, more) => postMessage({ kind, number, ...more });
  for (const what of ["DecompressionStream", "OffscreenCanvas", "WebAssembly"]) {
    if (!(what in globalThis)) throw new Refusal("too_old", { what });
  }
  if (!session) {
    say("fetching", { there: 0 });
    session = openNetwork((there) => say("fetching", { there }));
    session.catch(() => {
      session = null;
    });
  }
  const network = await session;
  await still();
  say("reading");
  if (typeof file === "string") {
    const answer = await fetch(file).catch(() => ({}));
    if (!answer.ok) throw new Refusal("not_there", { name });
    file = await answer.blob();
  }
  const picture = await readPicture(file, name);
  await still();
  const { width, height } = picture;
  const [channels, remark] = fitted(picture.channels, about.channels);
  const input = scaled(channels, about.percentiles);
  const remarks = remark ? [[remark, {}]] : [];
  const levels = new Set(channels[0]).size;
  if (picture.bits === 8) remarks.push(["eight", { levels }]);
  if (input.every((value) => value === 0)) remarks.push(["flat", {}]);
  const begun = performance.now();
  const result = await segmented(network, about, input, width, height, async (done, all) => {
    await still();
    say("tiles", { done, all });
  });
  found = { ...result, input, width, height, channels: channels.length, about, number, remarks };
  draw({ threshold, view, seconds: (performance.now() - begun) / 1000 });
  say("levels", { levels: result.levels.map(drawnLevel) });
}

/** Count and draw what was found, at a threshold. */
function draw({ threshold, view, seconds }) {
  const { width, height, number, remarks, about } = found;
  const classes = classesAt(found, threshold);
  const { objects, count, areas } = numbered(classes, width, height, about);
  const rgba = drawn(view, { ...found, classes, objects });
  const covered = areas.reduce((sum, area) => sum + area, 0) / (width * height);
  const median = areas.slice().sort()[Math.floor((count - 1) / 2)];
  postMessage(
    { kind: "drawn", number, rgba, width, height, count, covered, median, remarks, seconds },
    [rgba.buffer],
  );
}
