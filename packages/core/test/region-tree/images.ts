import { pseudoRandom } from "@unsam/test-support";
import type { RgbImage } from "#core/image/index.js";

export function paint(
  width: number,
  height: number,
  colour: (x: number, y: number) => readonly [number, number, number],
): RgbImage {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) data.set(colour(x, y), 3 * (y * width + x));
  }
  return { data, width, height };
}

/** Patches of random colour around random seeds, with pixel noise: something like a photo of pebbles. */
export function patches(width: number, height: number, seed: number, count = 14, noise = 16): RgbImage {
  const random = pseudoRandom(seed);
  const seeds = Array.from({ length: count }, () => ({
    x: random() * width,
    y: random() * height,
    colour: [random() * 230, random() * 230, random() * 230],
  }));
  return paint(width, height, (x, y) => {
    let nearest = seeds[0];
    let best = Number.POSITIVE_INFINITY;
    for (const s of seeds) {
      const d = (s.x - x) ** 2 + (s.y - y) ** 2;
      if (d < best) {
        best = d;
        nearest = s;
      }
    }
    const [r, g, b] = nearest.colour.map((c) => Math.min(255, c + random() * noise));
    return [r, g, b];
  });
}

export function noise(width: number, height: number, seed: number): RgbImage {
  const random = pseudoRandom(seed);
  return paint(width, height, () => [random() * 256, random() * 256, random() * 256]);
}
