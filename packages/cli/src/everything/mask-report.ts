import type { SceneMask } from "@unsam/sdk";

/** Masks in the document of `--json`; its schema is docs/schemas/everything.schema.json. */
export function maskReport(masks: readonly SceneMask[]) {
  return masks.map(({ area, bbox, score, stability, granularity, range, parent, point }) => ({
    area,
    bbox,
    score,
    stability,
    granularity,
    range: [range[0], Math.min(1, range[1])],
    parent: parent?.id ?? null,
    point,
  }));
}
