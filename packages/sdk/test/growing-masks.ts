import type { EncodedImage, Segment } from "@unsam/sdk";
import { expect } from "vitest";

/** Answers a click at several granularities: each mask holds the click and the mask before it, and the last one is larger. */
export async function expectGrowing(image: EncodedImage, x: number, y: number): Promise<Segment[]> {
  const levels = [0, 0.2, 0.4, 0.6, 0.8, 1];
  const answers = await image.segmentAll(levels.map((granularity) => ({ points: [[x, y]], granularity })));
  answers.forEach((answer, i) => {
    expect(answer.mask.has(x, y)).toBe(true);
    expect(answer.granularity).toBe(levels[i]);
    expect(answer.score).toBeGreaterThanOrEqual(0);
    expect(answer.score).toBeLessThanOrEqual(1);
    if (i > 0) expect(answer.mask.intersection(answers[i - 1].mask)).toBe(answers[i - 1].mask.area);
  });
  expect(answers[5].mask.area).toBeGreaterThan(answers[0].mask.area);
  return answers;
}
