import { UnSAMError } from "@unsam/core/errors";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readMat } from "#evaluation/datasets/benchmarks/read-mat.js";
import { MAT_COMPRESSED, MAT_MAP, MAT_PARTS, MAT_PLAIN } from "./mat-files.js";

const read = (bytes: Uint8Array, variable = "GTinst", field = "Segmentation") =>
  readMat(bytes, "a.mat", variable, (array) => array.rows()[0]?.get(field)?.numbers());

describe("a MAT-file of SBD", () => {
  it.each([
    ["plain", MAT_PLAIN],
    ["compressed", MAT_COMPRESSED],
  ])("is read as SciPy wrote it, %s", (_, bytes) => {
    const { width, height, data } = read(bytes)!;
    expect([width, height]).toEqual([5, 4]);
    expect([...data]).toEqual(MAT_MAP);
  });

  it("says what it has not", () => {
    expect(read(MAT_PLAIN, "GTinst", "Depth")).toBeUndefined();
    expect(() => read(MAT_PLAIN, "GTcls")).toThrow(/has no GTcls/);
    expect(() => read(MAT_PLAIN, "GTinst", "Boundaries")).toThrow(
      /cannot be read: it is no array of numbers/,
    );
    expect(() => read(Buffer.from("\x89HDF\r\n\x1a\n"))).toThrow(/none of level 5/);
    expect(readMat(MAT_PLAIN, "a.mat", "other", (array) => [...array.numbers().data])).toEqual([0, 1, 2]);
  });

  it("has structs within structs, in order, and none where an empty array stands for them", () => {
    const found = readMat(MAT_PARTS, "a.mat", "anno", (anno) =>
      anno
        .rows()[0]
        .get("objects")!
        .rows()
        .map((object) =>
          object
            .get("parts")!
            .rows()
            .map((part) => [...part.get("mask")!.numbers().data]),
        ),
    );
    const areas = found.map((parts) => parts.map((mask) => mask.reduce((sum, value) => sum + value, 0)));
    expect(areas).toEqual([[2, 1], [], [3, 0]]);
    expect(found[0][0].slice(0, 6)).toEqual([1, 1, 0, 0, 0, 0]);
  });

  it("that is damaged or cut short anywhere is read or refused, and nothing else", () => {
    for (const whole of [MAT_PLAIN, MAT_COMPRESSED, MAT_PARTS]) {
      fc.assert(
        fc.property(
          fc.integer({ min: 0, max: whole.length }),
          fc.array(fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 0, max: 255 })), { maxLength: 3 }),
          (end, changes) => {
            const bytes = Uint8Array.from(whole);
            for (const [at, value] of changes) bytes[at] = value;
            try {
              // What is damaged may still be read, with other numbers or another field.
              const found = read(bytes.subarray(0, end));
              expect(found === undefined || found.data.length === found.width * found.height).toBe(true);
            } catch (error) {
              expect(UnSAMError.isInstance(error) && error.code).toBe("E_BAD_FILE");
            }
          },
        ),
        { numRuns: 300, seed: 7 },
      );
    }
  });
});
