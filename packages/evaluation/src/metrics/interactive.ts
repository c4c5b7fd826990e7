import { Mask } from "@unsam/core/mask";
import type { PromptPoint } from "@unsam/core/prompt";
import { squaredDistances } from "./distance-transform.js";

/** Clicks after which a region counts as not reached. */
export const MOST_CLICKS = 20;
export const NOC_TARGETS: readonly number[] = [0.8, 0.85, 0.9];

/**
 * Number of clicks until the IoU reaches `target`, `MOST_CLICKS` where it never does. `ious`: IoU after each click, in
 * order; a list may end where the highest target is reached. The mean over regions is NoC@target (Sofiiuk, Petrov and
 * Konushin, Reviving Iterative Training with Mask Guidance for Interactive Segmentation, 2021, section 4).
 */
export function clicksUntil(ious: readonly number[], target: number): number {
  const reached = ious.findIndex((iou) => iou >= target);
  return reached < 0 ? MOST_CLICKS : reached + 1;
}

/**
 * The next click of a person who mends an answer: the pixel farthest from the edge of the missing or the surplus
 * pixels, whichever lies farther inside, as in the usual protocol (same source). `ties` win where both lie as far inside
 * (the published programs of that protocol click the surplus then). Pixels that do not count, and those clicked before, are
 * not clicked. null where the answer is right.
 */
export function nextClick(
  predicted: Mask,
  wanted: Mask,
  counted: Mask | null,
  earlier: readonly PromptPoint[],
  ties: "missing" | "surplus" = "missing",
): PromptPoint | null {
  const missing = masked(wanted, predicted, counted);
  const surplus = masked(predicted, wanted, counted);
  const inside = farthest(missing, earlier);
  const outside = farthest(surplus, earlier);
  if (!inside && !outside) return null;
  const lead = (inside?.squared ?? 0) - (outside?.squared ?? 0);
  if (inside && (lead > 0 || (lead === 0 && ties === "missing")))
    return { x: inside.x, y: inside.y, label: 1 };
  return { x: outside!.x, y: outside!.y, label: 0 };
}

/** Pixels of `mask` that are not in `without`. */
function masked(mask: Mask, without: Mask, counted: Mask | null): Mask {
  const words = mask.words.map((word, i) => word & ~without.words[i] & (counted ? counted.words[i] : -1));
  return new Mask(mask.width, mask.height, words);
}

function farthest(mask: Mask, earlier: readonly PromptPoint[]) {
  if (mask.area === 0) return null;
  const squared = squaredDistances(mask);
  for (const { x, y } of earlier) squared[Math.floor(y) * mask.width + Math.floor(x)] = 0;
  let best = -1;
  let most = 0;
  for (let i = 0; i < squared.length; i++) if (squared[i] > most) [best, most] = [i, squared[i]];
  return best < 0 ? null : { x: best % mask.width, y: Math.floor(best / mask.width), squared: most };
}
