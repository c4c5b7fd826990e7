import { Mask } from "@unsam/core/mask";
import { expect, it } from "vitest";
import { type Candidate, familyOf } from "#pseudo-labels/family.js";

const SIDE = 40;

/** A rectangle of the picture, and how good it is held to be. */
function box(x0: number, y0: number, x1: number, y1: number, predictedIou = 0.5): Candidate {
  const bytes = new Uint8Array(SIDE * SIDE);
  for (let y = y0; y < y1; y++) bytes.fill(1, y * SIDE + x0, y * SIDE + x1);
  return { mask: Mask.fromBytes(SIDE, SIDE, bytes), predictedIou, stability: 1 };
}

const whole = box(0, 0, 30, 30, 0.1);

it("grades by the square root of the area, from 0.1 to 1", () => {
  const family = familyOf({ ...whole, parts: [box(0, 0, 10, 10), box(0, 0, 20, 20)] }, 4);
  expect(family.map(({ isPart }) => isPart)).toEqual([false, true, true]);
  expect(family.map(({ granularity }) => granularity)).toEqual([1, 0.55, 0.1]);
});

it("gives 1 to an instance without parts", () => {
  expect(familyOf({ ...whole, parts: [] }, 4)).toMatchObject([{ granularity: 1, isPart: false }]);
});

it("keeps parts that lie in the instance by nine tenths and are not too small", () => {
  const inside = box(21, 0, 31, 10);
  const outside = box(22, 12, 32, 22);
  const small = box(3, 3, 5, 5);
  const family = familyOf({ ...whole, parts: [inside, outside, small] }, 10);
  expect(family.map(({ mask }) => mask)).toEqual([whole.mask, inside.mask]);
});

it("keeps the better of two that are the same, and the instance before all", () => {
  const good = box(0, 0, 10, 10, 0.9);
  const poor = box(0, 0, 10, 11, 0.8);
  const likeWhole = box(0, 0, 30, 29, 1);
  const family = familyOf({ ...whole, parts: [poor, likeWhole, good] }, 4);
  expect(family.map(({ mask }) => mask)).toEqual([whole.mask, good.mask]);
});
