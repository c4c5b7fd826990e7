import { pseudoRandom } from "@unsam/test-support";
import { describe, expect, it } from "vitest";
import { carryToFullResolution } from "#core/region-tree/leaf-map.js";

interface Picture {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** As the sentence of the function says it, pixel by pixel: closeness in position and colour, summed for each region. */
function slowly(labels: Int32Array, working: Picture, image: Picture): number[] {
  const out: number[] = [];
  const near = (at: number, most: number) => Math.min(most - 1, Math.max(0, Math.round(at)));
  for (let y = 0; y < image.height; y++) {
    for (let x = 0; x < image.width; x++) {
      const u = (x + 0.5) * (working.width / image.width) - 0.5;
      const v = (y + 0.5) * (working.height / image.height) - 0.5;
      const [cx, cy] = [near(u, working.width), near(v, working.height)];
      const votes = new Map<number, number>();
      for (const sy of [cy - 1, cy, cy + 1]) {
        for (const sx of [cx - 1, cx, cx + 1]) {
          if (sx < 0 || sy < 0 || sx >= working.width || sy >= working.height) continue;
          const s = sy * working.width + sx;
          const p = y * image.width + x;
          const colour = [0, 1, 2].reduce(
            (sum, c) => sum + (image.data[3 * p + c] - working.data[3 * s + c]) ** 2,
            0,
          );
          const likeness = Math.exp(-colour * (1 / (2 * 14 * 14))) + 1e-3;
          const vote = Math.exp(-((u - sx) * (u - sx) + (v - sy) * (v - sy))) * likeness;
          votes.set(labels[s], (votes.get(labels[s]) ?? 0) + vote);
        }
      }
      const [[first]] = votes;
      out.push([...votes].reduce((best, [label, vote]) => (vote > votes.get(best)! ? label : best), first));
    }
  }
  return out;
}

describe("regions at full resolution", () => {
  it.each([
    ["a larger photo", 17, 11, 83, 59, 256],
    ["a much larger one", 12, 9, 240, 181, 4],
    ["one colour alone, where many votes are equal", 16, 12, 128, 96, 1],
    ["one that is a little larger", 31, 30, 32, 31, 8],
    ["a smaller one", 64, 48, 31, 25, 256],
    ["a narrow one", 1, 40, 3, 160, 16],
  ])("are those of the pixels closest in position and colour: %s", (_, w, h, width, height, colours) => {
    const random = pseudoRandom(w * h);
    const paint = (count: number) =>
      Uint8Array.from({ length: 3 * count }, () => Math.floor(random() * colours) * (255 / colours));
    const working = { width: w, height: h, data: paint(w * h) };
    const image = { width, height, data: paint(width * height) };
    // Blocks of four pixels, some of them torn.
    const labels = Int32Array.from({ length: w * h }, (_, i) =>
      random() < 0.1 ? 99 : Math.floor((i % w) / 4) + 8 * Math.floor(i / w / 4),
    );
    const regions = { labels, markers: new Int32Array(0) } as unknown as Parameters<
      typeof carryToFullResolution
    >[0];
    const carried = carryToFullResolution(regions, working, image);
    expect([...carried]).toEqual(slowly(labels, working, image));
  });
});
