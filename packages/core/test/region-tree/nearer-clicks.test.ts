import fc from "fast-check";
import { expect, it } from "vitest";
import type { PromptPoint } from "#core/prompt.js";
import { NearerClicks } from "#core/region-tree/nearer-clicks.js";

/** By looking at every click. */
function nearerToPositive(clicks: readonly PromptPoint[], x: number, y: number): boolean {
  const distances = (label: number) =>
    clicks
      .filter((click) => click.label === label)
      .map((click) => (Math.floor(click.x) - x) ** 2 + (Math.floor(click.y) - y) ** 2);
  return Math.min(...distances(1)) < Math.min(...distances(0));
}

const click = fc.record({
  x: fc.double({ min: 0, max: 23.9, noNaN: true }),
  y: fc.double({ min: 0, max: 17.9, noNaN: true }),
  label: fc.constantFrom(0 as const, 1 as const),
});

it("every pixel goes to the nearer click, in any rows from the top down; negative ones win ties", () => {
  fc.assert(
    fc.property(
      fc.array(click, { maxLength: 40 }),
      fc.array(fc.boolean(), { minLength: 18, maxLength: 18 }),
      (clicks, asked) => {
        const nearer = new NearerClicks(clicks, 24);
        asked.forEach((ask, y) => {
          if (!ask) return;
          const belongs = nearer.row(y);
          for (let x = 0; x < 24; x++) expect(belongs(x)).toBe(nearerToPositive(clicks, x, y));
        });
      },
    ),
    { seed: 5, numRuns: 300 },
  );
});
