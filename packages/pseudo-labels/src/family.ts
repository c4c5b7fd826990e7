import type { Mask } from "@unsam/core/mask";
import { familyGranularities } from "@unsam/core/scales";

/** A mask that may become a label. */
export interface Candidate {
  readonly mask: Mask;
  /** How good the mask is held to be, in [0, 1]. */
  readonly predictedIou: number;
  /** IoU of the mask with what slightly other granularities would have given, in [0, 1]. */
  readonly stability: number;
}

/** An instance with the candidates for its parts. */
export interface Instance extends Candidate {
  readonly parts: readonly Candidate[];
}

/** A mask of a family with its place in it. */
export interface Member extends Candidate {
  readonly isPart: boolean;
  /** 0.1 for the smallest of the family … 1 for the instance. */
  readonly granularity: number;
}

/** Two masks with a larger IoU are one. */
export const DUPLICATE_IOU = 0.8;
/** A part lies in its instance by this share of its area. */
export const LEAST_INSIDE = 0.9;

/**
 * The family of an instance: itself first, then the parts that lie in it by at least 90 % and are not below `minArea`,
 * without duplicates (IoU above 0.8: of two parts the better one stays; the instance always does), largest first.
 * Granularity: 0.1 + 0.9 · (√a − √min) / (√max − √min) of the areas (UnSAMv2, section 3); a lone instance has 1.
 */
export function familyOf(instance: Instance, minArea: number): Member[] {
  const whole = instance.mask;
  const kept: Candidate[] = [instance];
  const ranked = instance.parts
    .filter(({ mask }) => mask.area >= minArea && mask.area < whole.area)
    .filter(({ mask }) => mask.intersection(whole) >= LEAST_INSIDE * mask.area)
    .map((part, index) => ({ part, index }))
    .sort((a, b) => b.part.predictedIou - a.part.predictedIou || a.index - b.index);
  for (const { part } of ranked) {
    if (!kept.some(({ mask }) => duplicates(mask, part.mask))) kept.push(part);
  }
  const parts = kept.slice(1).sort((a, b) => b.mask.area - a.mask.area);
  const members = [instance, ...parts];
  const granularities = familyGranularities(members.map(({ mask }) => mask.area));
  return members.map(({ mask, predictedIou, stability }, i) => ({
    mask,
    predictedIou,
    stability,
    isPart: i > 0,
    granularity: granularities[i],
  }));
}

/** Whether the IoU of two masks is above 0.8; areas and boxes say no for most pairs. */
export function duplicates(a: Mask, b: Mask): boolean {
  if (Math.min(a.area, b.area) <= DUPLICATE_IOU * Math.max(a.area, b.area)) return false;
  const p = a.bbox;
  const q = b.bbox;
  const apart =
    p.x >= q.x + q.width || q.x >= p.x + p.width || p.y >= q.y + q.height || q.y >= p.y + p.height;
  return !apart && a.iou(b) > DUPLICATE_IOU;
}
