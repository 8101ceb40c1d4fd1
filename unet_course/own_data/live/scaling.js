// From the numbers of a picture to the network's input, as unet_course/data/scaling.py does it.

/** Scale each channel to 0 … 1 between two of its own percentiles, and clip what lies outside. */
export function scaled(channels, [low, high]) {
  const [first] = channels;
  const input = new Float32Array(channels.length * first.length);
  channels.forEach((numbers, c) => {
    const [bottom, top] = percentiles(numbers, [low, high]);
    if (top <= bottom) return; // all pixels are equal: zeros
    const part = input.subarray(c * first.length, (c + 1) * first.length);
    for (let i = 0; i < numbers.length; i++) {
      part[i] = Math.min(Math.max((numbers[i] - bottom) / (top - bottom), 0), 1);
    }
  });
  return input;
}

/** Percentiles of whole numbers below 65536, by counting; between two, a part of the way. */
export function percentiles(numbers, percents) {
  const counts = new Uint32Array(65536);
  for (const n of numbers) counts[n] += 1;
  const at = (rank) => {
    let value = 0;
    let passed = counts[0];
    while (passed <= rank) passed += counts[++value];
    return value;
  };
  return percents.map((percent) => {
    const place = (numbers.length - 1) * (percent / 100);
    const below = at(Math.floor(place));
    const above = at(Math.ceil(place));
    const share = place % 1;
    return share < 0.5 ? below + (above - below) * share : above - (above - below) * (1 - share);
  });
}
