import type { Segment } from "@unsam/sdk";

/** A segment in a `--json` document; `segment` in docs/schemas. */
export function segmentReport(segment: Segment) {
  const { score, objectScore, stability, granularity, mask } = segment;
  return { score, objectScore, stability, granularity, area: mask.area, bbox: mask.bbox, rle: mask.toRLE() };
}

/** Its share of the photo, for people. */
export function shareOf({ mask }: Segment): string {
  return `${((100 * mask.area) / (mask.width * mask.height)).toFixed(1)} %`;
}
