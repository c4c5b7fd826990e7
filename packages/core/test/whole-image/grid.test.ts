import { describe, expect, it } from "vitest";
import { cropBoxes, pointGrid, touchesCropEdge } from "#core/whole-image/grid.js";

describe("the point grid", () => {
  it("goes row by row through the middles of n × n cells", () => {
    expect(pointGrid(2, 40, 20)).toEqual([
      [10, 5],
      [30, 5],
      [10, 15],
      [30, 15],
    ]);
  });
});

describe("crops", () => {
  it("overlap by 512 / 1500 of the shorter side, column by column", () => {
    // Overlap: ⌊0.3413 · 480⌋ = 163; width ⌈(163 + 640) / 2⌉ = 402, height ⌈(163 + 480) / 2⌉ = 322.
    expect(cropBoxes(640, 480, 1, 512 / 1500)).toEqual([
      { box: [0, 0, 640, 480], layer: 0 },
      { box: [0, 0, 402, 322], layer: 1 },
      { box: [0, 159, 402, 480], layer: 1 },
      { box: [239, 0, 640, 322], layer: 1 },
      { box: [239, 159, 640, 480], layer: 1 },
    ]);
  });

  it("of the second layer are sixteen that cover the image, with half the overlap", () => {
    const crops = cropBoxes(1000, 700, 2, 512 / 1500).filter(({ layer }) => layer === 2);
    expect(crops.length).toBe(16);
    for (let y = 0; y < 700; y += 7) {
      for (let x = 0; x < 1000; x += 9) {
        expect(crops.some(({ box: [x0, y0, x1, y1] }) => x >= x0 && x < x1 && y >= y0 && y < y1)).toBe(true);
      }
    }
    // ⌊0.3413 · 700 / 2⌋
    expect(crops[0].box[3] - crops[1].box[1]).toBe(119);
  });
});

describe("a mask that its crop cuts off", () => {
  const image = { width: 1000, height: 800 };
  it("ends within 20 pixels of the crop's edge, but not of the same edge of the image", () => {
    const crop = [0, 0, 600, 500] as const;
    expect(touchesCropEdge([300, 100, 580, 300], crop, image)).toBe(true);
    expect(touchesCropEdge([300, 100, 579, 300], crop, image)).toBe(false);
    expect(touchesCropEdge([0, 0, 400, 300], crop, image)).toBe(false);
    expect(touchesCropEdge([100, 100, 300, 490], crop, image)).toBe(true);
    // The right edge of the image is another edge than the left one of the crop.
    expect(touchesCropEdge([620, 100, 999, 300], [600, 0, 1000, 800], image)).toBe(true);
    expect(touchesCropEdge([0, 0, 999, 799], [0, 0, 1000, 800], image)).toBe(false);
  });
});
