import { commonPixels, maskStatistics, pairwiseOverlaps } from "../fusion/index.js";
import { granularitySpans, persistentScales, type Scale } from "../scales/index.js";

/** The ladder that "auto" decodes: ten even steps over the range UnSAMv2 was trained on. */
export const AUTOMATIC_LEVELS: readonly number[] = Array.from({ length: 10 }, (_, i) => (i + 1) / 10);

/** The scale "auto" chooses and at most seven runners-up. */
export const MOST_SCALES = 8;

/** One level of a decoded ladder. */
export interface DecodedLevel {
  readonly granularity: number;
  /** Low-resolution logits, [side, side], the same side in all. */
  readonly logits: Float32Array;
  /** Predicted IoU. */
  readonly score: number;
}

/**
 * The scales of a decoded ladder, most persistent first (see `persistentScales`). A level counts by the part of the
 * range it stands for, times its predicted IoU, times its stability score. Masks are compared at low resolution; two
 * empty ones do not agree. `levels` ascend in granularity.
 */
export function scalesOfLadder(levels: readonly DecodedLevel[], limit: number): Scale[] {
  const side = Math.sqrt(levels[0].logits.length);
  const data = new Float32Array(levels.length * side * side);
  levels.forEach(({ logits }, i) => {
    data.set(logits, i * side * side);
  });
  const { masks, areas, boxes, stability } = maskStatistics({
    count: levels.length,
    height: side,
    width: side,
    data,
  });
  const overlaps = pairwiseOverlaps(masks, boxes);
  const spans = granularitySpans(levels.map(({ granularity }) => granularity));
  const weights = levels.map(({ score }, i) => spans[i] * Math.max(0, score) * stability[i]);
  return persistentScales(
    weights,
    (a, b) => {
      const common = commonPixels(overlaps, a, b);
      const union = areas[a] + areas[b] - common;
      return union === 0 ? 0 : common / union;
    },
    limit,
  );
}
