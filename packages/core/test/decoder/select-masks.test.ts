import { describeWithShared, shared } from "@unsam/test-support";
import { describe, expect, it } from "vitest";
import { maskStability, selectMasks } from "#core/decoder/index.js";
import { ParitySet } from "../support/parity.js";

const stability = { enabled: true, delta: 0.05, threshold: 0.98 };
const estimates = Float32Array.of(0.9, 0.2, 0.5, 0.4);

describe("which masks come back", () => {
  it("UnSAMv2: the granularity mask, scored by mask 0 or by the best of the others", () => {
    const rules = { granularity: true, stability };
    const output = { logits: Float32Array.of(1, -1), predictedIou: estimates, objectScore: 3 };
    const one = selectMasks(output, rules, false);
    expect(one).toEqual({
      lowRes: output.logits,
      predictedIou: estimates.slice(0, 1),
      objectScore: 3,
      tokens: Int32Array.of(4),
    });
    expect([...selectMasks(output, rules, true).predictedIou]).toEqual([Math.fround(0.5)]);
  });

  const output = {
    logits: Float32Array.of(0.01, 1, 1, 1, 2, 2, 3, 3),
    predictedIou: estimates,
    objectScore: 0,
  };

  it("SAM 2: masks 1 to 3 in their order", () => {
    const many = selectMasks(output, { granularity: false, stability }, true);
    expect([...many.tokens]).toEqual([1, 2, 3]);
    expect([...many.lowRes]).toEqual([1, 1, 2, 2, 3, 3]);
    expect([...many.predictedIou]).toEqual([...estimates.subarray(1)]);
  });

  it("SAM 2: mask 0, unless it is unstable and the fall-back is on", () => {
    expect([...selectMasks(output, { granularity: false, stability }, false).tokens]).toEqual([2]);
    const off = { granularity: false, stability: { ...stability, enabled: false } };
    expect([...selectMasks(output, off, false).tokens]).toEqual([0]);
  });
});

describeWithShared("the official choice of the single mask", () => {
  it("follows every stored rule", () => {
    const set = new ParitySet(shared("parity/sam21-mini"));
    const rules = set.prompts.rules!;
    const [all, iou] = [set.array(rules.mask_logits_all), set.array(rules.iou_all)];
    const expected = { logits: set.array(rules.low_res_logits), iou: set.array(rules.predicted_iou) };
    const stable = set.array(rules.stability).data;
    rules.mask_tokens.forEach((tokens, entry) => {
      const logits = all.data.subarray(entry * 400, (entry + 1) * 400);
      const predictedIou = iou.data.subarray(entry * 4, (entry + 1) * 4);
      const answer = selectMasks(
        { logits, predictedIou, objectScore: 0 },
        { granularity: false, stability },
        false,
      );
      expect([...answer.tokens], `entry ${entry}`).toEqual(tokens);
      expect(answer.lowRes).toEqual(expected.logits.data.subarray(entry * 100, (entry + 1) * 100));
      expect([...answer.predictedIou]).toEqual([expected.iou.data[entry]]);
      expect(maskStability(logits.subarray(0, 100), 0.05)).toBe(stable[entry]);
    });
  });
});
