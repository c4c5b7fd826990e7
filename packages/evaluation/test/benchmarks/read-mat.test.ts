import { UnSAMError } from "@unsam/core/errors";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readMat } from "#evaluation/datasets/benchmarks/read-mat.js";
import { MAT_COMPRESSED, MAT_MAP, MAT_PLAIN } from "./mat-files.js";

const size = { width: 5, height: 4 };
const read = (bytes: Uint8Array) => readMat(bytes, "a.mat", "GTinst", "Segmentation", size);

describe("a MAT-file of SBD", () => {
  it.each([
    ["plain", MAT_PLAIN],
    ["compressed", MAT_COMPRESSED],
  ])("is read as SciPy wrote it, %s", (_, bytes) => {
    const { width, height, data } = read(bytes);
    expect([width, height]).toEqual([5, 4]);
    expect([...data]).toEqual(MAT_MAP);
  });

  it("is refused where it is of another size or level, or lacks the field", () => {
    const other = () => readMat(MAT_PLAIN, "a.mat", "GTinst", "Segmentation", { width: 4, height: 5 });
    expect(other).toThrow(/5×4, but its photo is 4×5/);
    expect(() => readMat(MAT_PLAIN, "a.mat", "GTinst", "Depth", size)).toThrow(/has no GTinst\.Depth/);
    expect(() => readMat(MAT_PLAIN, "a.mat", "GTcls", "Segmentation", size)).toThrow(/has no GTcls/);
    expect(() => readMat(MAT_PLAIN, "a.mat", "GTinst", "Boundaries", size)).toThrow(/no array of numbers/);
    expect(() => read(Buffer.from("\x89HDF\r\n\x1a\n"))).toThrow(/none of level 5/);
  });

  it("that is damaged or cut short anywhere is read or refused, and nothing else", () => {
    for (const whole of [MAT_PLAIN, MAT_COMPRESSED]) {
      fc.assert(
        fc.property(
          fc.integer({ min: 0, max: whole.length }),
          fc.array(fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 0, max: 255 })), { maxLength: 3 }),
          (end, changes) => {
            const bytes = Uint8Array.from(whole);
            for (const [at, value] of changes) bytes[at] = value;
            try {
              expect(read(bytes.subarray(0, end)).data.length).toBe(20);
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
