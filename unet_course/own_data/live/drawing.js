// Pictures of what was found, as red, green, blue and transparency for each pixel.

// One object beside the other; then the classes.
const WHEEL = ["#33BBEE", "#EE7733", "#EE3377", "#EFDD8C", "#9DF1BD"].map(parts);
export const CLASSES = [
  "#000000",
  "#EE7733",
  "#33BBEE",
  "#EE3377",
  "#EFDD8C",
  "#9DF1BD",
  "#B8B8B8",
];
const INSIDE = "#33BBEE"; // where there are but two classes

function parts(colour) {
  return [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
}

/** The colour of a class. */
export function classColour(k, classes) {
  return k === 1 && classes === 2 ? INSIDE : CLASSES[k ? ((k - 1) % (CLASSES.length - 1)) + 1 : 0];
}

/** The picture in one of four ways: objects, outlines, classes, picture. */
export function drawn(view, { input, width, height, channels, classes, objects, about }) {
  const pixels = width * height;
  const rgba = new Uint8ClampedArray(4 * pixels);
  const colours = about.classes.map((_, k) => parts(classColour(k, about.classes.length)));
  for (let i = 0; i < pixels; i++) {
    const number = objects[i];
    const at = 4 * i;
    const rim =
      number && (view === "objects" || view === "outlines") && isRim(objects, i, width, height);
    const share = view === "classes" || rim ? 1 : view === "objects" && number ? 0.45 : 0;
    const colour = view === "classes" ? colours[classes[i]] : WHEEL[number % WHEEL.length];
    for (let c = 0; c < 3; c++) {
      const grey = 255 * input[(channels === 3 ? c * pixels : 0) + i];
      rgba[at + c] = (1 - share) * grey + share * colour[c];
    }
    rgba[at + 3] = 255;
  }
  return rgba;
}

/** Whether a pixel is at the rim of its object. */
function isRim(objects, i, width, height) {
  const number = objects[i];
  const x = i % width;
  return (
    x === 0 ||
    x === width - 1 ||
    i < width ||
    i >= width * (height - 1) ||
    objects[i - 1] !== number ||
    objects[i + 1] !== number ||
    objects[i - width] !== number ||
    objects[i + width] !== number
  );
}

/** A feature picture in grey: black is its smallest number, white its largest. */
export function drawnLevel({ name, level, channels, width, height, across, means }) {
  let low = Infinity;
  let high = -Infinity;
  for (const mean of means) [low, high] = [Math.min(low, mean), Math.max(high, mean)];
  const rgba = new Uint8ClampedArray(4 * means.length);
  means.forEach((mean, i) => {
    rgba.fill(high > low ? (255 * (mean - low)) / (high - low) : 0, 4 * i, 4 * i + 3);
    rgba[4 * i + 3] = 255;
  });
  return { name, level, channels, width, height, across, rgba };
}
