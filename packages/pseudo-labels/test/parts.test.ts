import { Mask } from "@unsam/core/mask";
import { mergePatches } from "@unsam/core/patch-merge";
import { expect, it } from "vitest";
import { appearanceOf, colourPatches } from "#pseudo-labels/conquer/colour-patches.js";
import { partsOf } from "#pseudo-labels/conquer/parts.js";

const SIDE = 128;
const isCar = (x: number, y: number) => x >= 16 && x < 112 && y >= 40 && y < 96;
const isWheel = (x: number, y: number) => (x - 40) ** 2 + (y - 78) ** 2 < 150;
const isWindow = (x: number, y: number) => x >= 60 && x < 100 && y >= 46 && y < 66;

const image = {
  width: SIDE,
  height: SIDE,
  data: Uint8Array.from({ length: SIDE * SIDE * 3 }, (_, i) => {
    const [x, y] = [Math.floor(i / 3) % SIDE, Math.floor(i / 3 / SIDE)];
    const colour = isWheel(x, y)
      ? [20, 20, 25]
      : isWindow(x, y)
        ? [170, 210, 240]
        : isCar(x, y)
          ? [200, 40, 30]
          : [120, 140, 110];
    return colour[i % 3];
  }),
};
const maskOf = (inside: (x: number, y: number) => boolean) =>
  Mask.fromBytes(
    SIDE,
    SIDE,
    Uint8Array.from({ length: SIDE * SIDE }, (_, i) => Number(inside(i % SIDE, Math.floor(i / SIDE)))),
  );

it("finds the parts of a thing, with borders on its edges and inside it", async () => {
  const car = maskOf(isCar);
  const patches = colourPatches(appearanceOf(image), car);
  const parts = await partsOf(image, car, patches, async (features) => mergePatches(features), 16);
  for (const part of [isWheel, isWindow]) {
    const wanted = maskOf(part);
    expect(Math.max(...parts.map(({ mask }) => mask.iou(wanted)))).toBeGreaterThan(0.85);
  }
  for (const { mask, stability, predictedIou } of parts) {
    expect(car.contains(mask)).toBe(true);
    expect(stability).toBeGreaterThanOrEqual(0.5);
    expect(predictedIou).toBeLessThanOrEqual(stability);
  }
});
