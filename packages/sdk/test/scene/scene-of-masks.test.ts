import { Mask, sceneOfMasks } from "@unsam/sdk";
import { expect, it } from "vitest";

/** A box of a mask of 20 × 10 pixels. */
function box(x0: number, x1: number, height = 10): Mask {
  const inside = (at: number) => at % 20 >= x0 && at % 20 < x1 && Math.floor(at / 20) < height;
  return Mask.fromBytes(
    20,
    10,
    Uint8Array.from({ length: 200 }, (_, at) => (inside(at) ? 1 : 0)),
  );
}

it("masks from anywhere become a scene of wholes and parts, with granularities that grow with them", async () => {
  const scene = await sceneOfMasks([
    { mask: box(0, 4) },
    { mask: box(0, 12), score: 0.9 },
    { mask: box(14, 20) },
  ]);
  const areas = scene.pick(1, 1).map(({ area }) => area);
  expect(areas).toEqual([40, 120]);
  const [part, whole] = scene.pick(1, 1).map(({ granularity }) => granularity);
  expect(part).toBeLessThan(whole);
  expect(scene.roots.map(({ area }) => area).sort((a, b) => a - b)).toEqual([60, 120]);
});

it("refuses no masks, masks of two sizes, and impossible facts in one sentence", async () => {
  await expect(sceneOfMasks([])).rejects.toMatchObject({ code: "E_BAD_PROMPT" });
  const other = Mask.fromBytes(2, 1, [1, 1]);
  await expect(sceneOfMasks([{ mask: box(0, 4) }, { mask: other }])).rejects.toThrow(
    "masks[1] has a mask of 2×1",
  );
  await expect(sceneOfMasks([{ mask: box(0, 4), granularity: 2 }])).rejects.toThrow(
    "masks[0].granularity is 2",
  );
});
