import { Mask } from "@unsam/core/mask";
import type { PromptPoint } from "@unsam/core/prompt";
import type { Answer, MethodImage } from "../../methods/method.js";
import { MOST_CLICKS, NOC_TARGETS, nextClick } from "../../metrics/interactive.js";
import { maskIou } from "../../metrics/iou.js";

/** Clicks at one granularity until the object is reached, and the IoU after each. */
export interface ClickRun {
  /** null without granularity. */
  readonly granularity: number | null;
  readonly ious: readonly number[];
  readonly clicks: readonly PromptPoint[];
}

const TARGET = Math.max(...NOC_TARGETS);

/**
 * Clicks an object at each granularity, from nothing: up to 20 clicks, each at the pixel farthest from the edge of the larger fault
 * (`nextClick`), until the IoU reaches 0.9. The run that needs the fewest clicks is returned, of several the one with the
 * highest IoU after its first click, then the finest: the search of the published evaluation of UnSAMv2. `levels` empty: one run,
 * at the method's own choice. A run that can no longer win is not clicked to its end.
 */
export async function searchGranularity(
  image: MethodImage,
  wanted: Mask,
  counted: Mask | null,
  levels: readonly number[],
): Promise<ClickRun> {
  const asked = levels.length > 0 ? levels : (["auto"] as const);
  let best: ClickRun | null = null;
  for (const granularity of asked) {
    const most: number = best ? clicksOf(best) : MOST_CLICKS;
    const run = await clickUntilReached(image, wanted, counted, granularity, most);
    if (best === null || isBetter(run, best, most)) best = run;
  }
  return best!;
}

function isBetter(run: ClickRun, best: ClickRun, most: number): boolean {
  // Cut off at as many clicks as the best one needs, without having reached the object.
  if (!isReached(run) && most < MOST_CLICKS) return false;
  if (clicksOf(run) !== clicksOf(best)) return clicksOf(run) < clicksOf(best);
  return run.ious[0] > best.ious[0];
}

function isReached({ ious }: ClickRun): boolean {
  return ious[ious.length - 1] >= TARGET;
}

function clicksOf(run: ClickRun): number {
  return isReached(run) ? run.ious.length : MOST_CLICKS;
}

async function clickUntilReached(
  image: MethodImage,
  wanted: Mask,
  counted: Mask | null,
  granularity: number | "auto",
  most: number,
): Promise<ClickRun> {
  const clicks: PromptPoint[] = [];
  const ious: number[] = [];
  let answer: Answer | null = null;
  let mask = new Mask(wanted.width, wanted.height, new Uint32Array(wanted.words.length));
  while (clicks.length < most) {
    const next = nextClick(mask, wanted, counted, clicks, "surplus");
    if (!next) break;
    clicks.push(next);
    answer = await image.answer(clicks, granularity, answer);
    mask = answer.mask;
    ious.push(maskIou(mask, wanted, counted));
    if (ious[ious.length - 1] >= TARGET) break;
  }
  return { granularity: granularity === "auto" ? null : granularity, ious, clicks };
}
