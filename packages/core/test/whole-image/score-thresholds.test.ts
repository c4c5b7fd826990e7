import { describe, expect, it } from "vitest";
import { isConfident, isStable, OFFICIAL_OPTIONS } from "#core/whole-image/index.js";

const at = (value: number) => ({ ...OFFICIAL_OPTIONS, predictedIou: value, stability: value });

/** The float32 next above a float32 number. */
function next(value: number): number {
  const bits = new Uint32Array(Float32Array.of(value).buffer);
  bits[0] += 1;
  return new Float32Array(bits.buffer)[0];
}

// PyTorch: torch.tensor(0.8) > 0.8 is False and torch.tensor(0.95) >= 0.95 is True, though float32(0.8) > 0.8 in float64,
// and float32(0.95) < 0.95.
describe("the official score thresholds", () => {
  it.each([0.8, 0.88, 0.95, 1 / 3])("compare with %f in float32", (threshold) => {
    const score = Math.fround(threshold);
    expect(isConfident(score, at(threshold))).toBe(false);
    expect(isConfident(next(score), at(threshold))).toBe(true);
    expect(isStable(score, at(threshold))).toBe(true);
    expect(isStable(next(score), at(threshold))).toBe(true);
    expect(isStable(score, at(next(score)))).toBe(false);
  });

  it("keep all at 0, and nothing that is no number above it", () => {
    for (const score of [0, -1, Number.NaN]) {
      expect([isConfident(score, at(0)), isStable(score, at(0))]).toEqual([true, true]);
    }
    expect([isConfident(Number.NaN, at(0.1)), isStable(Number.NaN, at(0.1))]).toEqual([false, false]);
  });
});
