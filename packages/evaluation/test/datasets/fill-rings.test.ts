import { Mask } from "@unsam/core/mask";
import { describe, expect, it } from "vitest";
import { areaOfRings, fillRings } from "#evaluation/datasets/coco/fill-rings.js";

// Run lengths of pycocotools 2.0.11: merge(frPyObjects(rings, height, width)).
const REFERENCE: readonly [width: number, height: number, rings: number[][], counts: string][] = [
  [12, 9, [[1, 1, 5, 1, 5, 4, 1, 4]], ":3600000n1"],
  [12, 9, [[1.5, 1.5, 5.5, 1.5, 5.5, 4.5, 1.5, 4.5]], "d03600000d1"],
  [12, 9, [[2.3, 0.7, 10.9, 3.1, 4.4, 8.2]], "l0453NN100O1O2N106"],
  [12, 9, [[-4, -3, 7.5, 2.25, 20, 15, 3, 11.7]], "0632N:0F001O001O1O1O1O"],
  [12, 9, [[0, 0, 12, 0, 12, 9, 0, 9]], "0\\3"],
  [12, 9, [[3.2, 3.2, 3.3, 3.3, 3.4, 3.2]], "\\3"],
  [12, 9, [[2, 2, 8, 6, 8, 2, 2, 6]], "d046Nc00]O2Q1"],
  [
    12,
    9,
    [
      [1, 1, 6, 1, 6, 6, 1, 6],
      [4, 4, 11, 4, 11, 8, 4, 8],
    ],
    ":5400002N03M000000005",
  ],
  [12, 9, [[0.1, 0.1, 11.9, 0.3, 11.7, 8.9, 0.4, 8.6, 6.1, 4.4]], "8271N1O2O1Nc1"],
  [
    40,
    30,
    [[38, 15, 5.4, 22.6, 25.6, 2.6, 25.6, 27.4, 5.4, 7.4]],
    "\\51l00D0K150I170G1:OD1=0A1?0_O1a0O_O1a0NA0a0O@0`0OB0>OD0Y11gN091G071I051K032K031M011O09M:N1000000O2O000000Z3",
  ],
  [12, 9, [[-500, 4, 600, 4.6, 600, 5.8, -500, 5.3]], "427000000000000000000000L"],
  [1, 5, [[-1, 1, 2, 1.2, 2, 3.9, -1, 3.6]], "131"],
];

/** The whole walk along every line, as COCO's tools take it, to hold the direct reckoning against on many rings. */
function walked(ring: readonly number[], width: number, height: number): Uint8Array {
  const corners = ring.map((side) => Math.trunc(5 * side + 0.5));
  const count = ring.length / 2;
  const us: number[] = [];
  const vs: number[] = [];
  for (let k = 0; k < count; k++) {
    let [xs, ys] = [corners[2 * k], corners[2 * k + 1]];
    let [xe, ye] = [corners[2 * ((k + 1) % count)], corners[2 * ((k + 1) % count) + 1]];
    const flat = Math.abs(xe - xs) >= Math.abs(ye - ys);
    const steps = flat ? Math.abs(xe - xs) : Math.abs(ye - ys);
    const back = flat ? xs > xe : ys > ye;
    if (back) [xs, ys, xe, ye] = [xe, ye, xs, ys];
    const slope = flat ? (ye - ys) / (xe - xs) : (xe - xs) / (ye - ys);
    for (let d = 0; d <= steps; d++) {
      const t = back ? steps - d : d;
      us.push(flat ? xs + t : Math.trunc(xs + slope * t + 0.5));
      vs.push(flat ? Math.trunc(ys + slope * t + 0.5) : ys + t);
    }
  }
  const bytes = new Uint8Array(width * height);
  for (let j = 1; j < us.length; j++) {
    const x = (Math.min(us[j], us[j - 1]) + 0.5) / 5 - 0.5;
    if (us[j] === us[j - 1] || !Number.isInteger(x) || x < 0 || x > width - 1) continue;
    const top = Math.ceil(Math.min(Math.max((Math.min(vs[j], vs[j - 1]) + 0.5) / 5 - 0.5, 0), height));
    for (let y = top; y < height; y++) bytes[y * width + x] ^= 1;
  }
  return bytes;
}

describe("rings of COCO polygons", () => {
  it.each(REFERENCE)("are filled as pycocotools fills them: %i×%i %j", (width, height, rings, counts) => {
    const wanted = Mask.fromRLE({ size: [height, width], counts });
    expect(fillRings(rings, width, height).equals(wanted)).toBe(true);
  });

  it("are the same as by walking every step", () => {
    let state = 1;
    const random = () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state / 2 ** 32;
    };
    for (let n = 0; n < 600; n++) {
      const [width, height] = [1 + Math.floor(random() * 40), 1 + Math.floor(random() * 30)];
      const spread = [1.3, 1.3, 60][n % 3];
      const ring = Array.from({ length: 2 * (3 + Math.floor(random() * 6)) }, (_, k) => {
        const side = (0.5 + (random() - 0.5) * spread) * (k % 2 === 0 ? width : height);
        return n % 2 === 0 ? side : Math.round(side * 2) / 2;
      });
      const mask = fillRings([ring], width, height);
      expect(mask.toBytes()).toEqual(walked(ring, width, height));
      expect(areaOfRings([ring], width, height)).toBe(mask.area);
    }
  });

  it("may lie wholly outside", () => {
    for (const [x, y] of [
      [-90, 2],
      [90, 2],
      [2, -90],
      [2, 90],
      [-90, -90],
    ]) {
      expect(fillRings([[x, y, x + 9, y, x + 9, y + 9]], 40, 30).area).toBe(0);
    }
  });

  it("may reach far outside without taking longer", () => {
    const far = 1e8;
    expect(fillRings([[-far, -far, far, -far, far, far, -far, far]], 50, 40).area).toBe(2000);
  });
});
