import { Mask } from "@unsam/core/mask";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { innermostPixel, squaredDistances } from "#evaluation/metrics/distance-transform.js";
import { randomMask } from "../random-mask.js";

/** Tries every background pixel, also those one pixel beyond the border. */
function bruteForce(mask: Mask): number[] {
  const distances: number[] = [];
  for (let y = 0; y < mask.height; y++) {
    for (let x = 0; x < mask.width; x++) {
      let nearest = Number.POSITIVE_INFINITY;
      for (let v = -1; v <= mask.height; v++) {
        for (let u = -1; u <= mask.width; u++) {
          if (!mask.has(u, v)) nearest = Math.min(nearest, (u - x) ** 2 + (v - y) ** 2);
        }
      }
      distances.push(nearest);
    }
  }
  return distances;
}

describe("squared distances", () => {
  it("are those of a search through all pixels", () => {
    fc.assert(
      fc.property(randomMask(), (mask) => {
        expect([...squaredDistances(mask)]).toEqual(bruteForce(mask));
      }),
      { numRuns: 60 },
    );
  });

  it("of a whole image grow from its border", () => {
    const full = Mask.fromBytes(5, 3, new Uint8Array(15).fill(1));
    expect([...squaredDistances(full)]).toEqual([1, 1, 1, 1, 1, 1, 4, 4, 4, 1, 1, 1, 1, 1, 1]);
    expect(innermostPixel(full)).toEqual({ x: 1, y: 1, radius: 2 });
  });

  it("of nothing have no innermost pixel", () => {
    expect(innermostPixel(Mask.fromBytes(4, 4, new Uint8Array(16)))).toBeNull();
  });
});
