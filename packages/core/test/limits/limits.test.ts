import { describe, expect, it } from "vitest";
import { Budget, checkLimits, checkPixels, maskBytes } from "#core/limits/index.js";
import { Mask } from "#core/mask/index.js";

const LIFTED = Number.POSITIVE_INFINITY;

describe("checkPixels", () => {
  it("takes what has as many pixels as allowed, and refuses one more", () => {
    checkPixels("The map", { width: 7, height: 5 }, 35);
    checkPixels("The map", { width: 10_000, height: 10_000 });
    expect(() => checkPixels("The map", { width: 7, height: 5 }, 34)).toThrow(
      /^The map has 7×5 pixels, more than the limit of 34; .*maxPixels/,
    );
    expect(() => checkPixels("The map", { width: 10_000, height: 10_001 })).toThrow(
      expect.objectContaining({ code: "E_BAD_FILE" }),
    );
    expect(() => checkPixels("The photo", { width: 1e5, height: 1e5 }, undefined, "E_BAD_IMAGE")).toThrow(
      expect.objectContaining({ code: "E_BAD_IMAGE" }),
    );
  });

  it("refuses rows so narrow that a mask of the allowed number of pixels would be four times as large", () => {
    expect(() => checkPixels("The mask", { width: 1, height: 1e8 })).toThrow(/fewer than 4 count as 4/);
    checkPixels("The mask", { width: 1e8, height: 1 });
    checkPixels("The mask", { width: 1, height: 20 }, 20);
    checkPixels("The mask", { width: 1, height: 1e9 }, LIFTED);
  });
});

describe("maskBytes", () => {
  it.each([
    [1, 1],
    [32, 3],
    [33, 7],
    [100, 50],
  ])("is what a mask of %i × %i pixels takes", (width, height) => {
    const mask = Mask.fromBytes(width, height, new Uint8Array(width * height));
    expect(maskBytes(width, height)).toBe(mask.words.byteLength);
  });
});

describe("Budget", () => {
  it("counts what is taken, and refuses what is beyond it before it is there", () => {
    const budget = new Budget("The scene", 100);
    budget.take(60);
    budget.take(40);
    expect(() => budget.take(1)).toThrow(
      expect.objectContaining({
        code: "E_BAD_FILE",
        message: expect.stringMatching(/^The scene .*100 bytes.*maxBytes/),
      }),
    );
  });

  it("can be lifted", () => {
    const budget = new Budget("The scene", LIFTED);
    budget.take(Number.MAX_SAFE_INTEGER);
    budget.take(Number.MAX_SAFE_INTEGER);
  });
});

describe("checkLimits", () => {
  it("refuses limits that are none", () => {
    checkLimits({});
    checkLimits({ maxPixels: 1, maxBytes: LIFTED, maxHeaderBytes: 10 });
    for (const wrong of [0, -1, Number.NaN, "9" as never, null as never]) {
      for (const name of ["maxPixels", "maxBytes", "maxHeaderBytes"]) {
        expect(() => checkLimits({ [name]: wrong })).toThrow(
          expect.objectContaining({ code: "E_BAD_OPTION", message: expect.stringContaining(name) }),
        );
      }
    }
  });
});
