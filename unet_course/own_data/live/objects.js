// From classes to objects, as label_nuclei in unet_course/data/masks.py does it.

/**
 * The class of each pixel. It is one of the counted classes if the probability p of the best of
 * them, set against the probability q of the best other class, is larger than the threshold t:
 * p / (p + q) > t is the same as lead > log(t / (1 - t)). At one half the most probable class wins.
 */
export function classesAt({ inside, outside, lead }, threshold) {
  const least = Math.log(threshold / (1 - threshold));
  return inside.map((k, i) => (lead[i] > least ? k : outside[i]));
}

/** Number the connected pieces of the counted classes, and give each its rim back. */
export function numbered(classes, width, height, { counted, min_area: least, grow }) {
  const isCounted = Array.from({ length: 256 }, (_, k) => counted.includes(k));
  const { labels, pieces } = connected(classes, isCounted, width, height);
  const areas = new Uint32Array(pieces + 1);
  for (const label of labels) areas[label] += 1;
  let count = 0;
  const numbers = areas.map((area, label) => (label && area >= least ? ++count : 0));
  let objects = labels.map((label) => numbers[label]);
  if (grow) objects = grown(objects, classes, width, height);
  const sizes = new Uint32Array(count + 1);
  for (const number of objects) sizes[number] += 1;
  return { objects, count, areas: sizes.subarray(1) };
}

/**
 * Pixels that touch at a side or at a corner are one piece. Each gets the number of a neighbour
 * that has one; where two numbers meet, it is noted that they are one (`parents`).
 */
function connected(classes, isCounted, width, height) {
  const labels = new Uint32Array(width * height);
  const parents = [0];
  const root = (label) => {
    while (parents[label] !== label) label = parents[label] = parents[parents[label]];
    return label;
  };
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      if (!isCounted[classes[i]]) continue;
      let label = 0;
      const meet = (j) => {
        const other = labels[j] && root(labels[j]);
        if (!other || other === label) return;
        if (label) parents[Math.max(label, other)] = Math.min(label, other);
        label = label ? Math.min(label, other) : other;
      };
      if (x > 0) meet(i - 1);
      if (y > 0) {
        if (x > 0) meet(i - width - 1);
        meet(i - width);
        if (x < width - 1) meet(i - width + 1);
      }
      if (!label) parents.push((label = parents.length));
      labels[i] = label;
    }
  }
  return { labels: labels.map((label) => label && root(label)), pieces: parents.length - 1 };
}

/** Grow each object by one pixel, up, down, left and right, over what is not background. */
function grown(objects, classes, width, height) {
  return objects.map((number, i) => {
    if (number || !classes[i]) return number;
    const x = i % width;
    return (
      (i >= width && objects[i - width]) ||
      (x > 0 && objects[i - 1]) ||
      (x < width - 1 && objects[i + 1]) ||
      (i < width * (height - 1) && objects[i + width]) ||
      0
    );
  });
}
