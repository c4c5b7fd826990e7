import { Random, randomLogits } from "../fusion/random.js";

/** Logit maps with a score and a granularity each: some maps twice, some scores alike, some logits not finite. */
export function randomScene(seed: number) {
  const random = new Random(seed);
  const count = random.int(1, 40);
  const height = random.int(1, 40);
  const width = random.int(1, 100);
  const data = randomLogits(random, count, height, width);
  const size = height * width;
  for (let k = 1; k < count; k++) {
    if (random.next() < 0.2) data.copyWithin(k * size, (k - 1) * size, k * size);
  }
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
    if (random.next() < 0.5) data[random.int(0, data.length - 1)] = value;
  }
  const scores = Float64Array.from({ length: count }, () => random.int(0, 8) / 8);
  const granularities = Float64Array.from({ length: count }, () => random.next());
  return { random, maps: { count, height, width, data }, scores, granularities };
}

/** A photo-like image: smooth shading, shapes and noise. */
export function drawImage(random: Random, width: number, height: number): Uint8Array {
  const data = new Uint8Array(width * height * 3);
  const discs = Array.from({ length: 25 }, () => ({
    x: random.next() * width,
    y: random.next() * height,
    radius: 5 + random.next() * 40,
    colour: [random.int(0, 255), random.int(0, 255), random.int(0, 255)],
  }));
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let colour = [80 + (100 * x) / width, 60 + (120 * y) / height, 120];
      for (const disc of discs) if (Math.hypot(x - disc.x, y - disc.y) < disc.radius) colour = disc.colour;
      for (const value of colour) data[i++] = Math.min(255, Math.max(0, value + 6 * random.normal()));
    }
  }
  return data;
}
