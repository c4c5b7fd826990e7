import { Mask } from "@unsam/core/mask";
import type { PromptPoint } from "@unsam/core/prompt";
import { labelMasks } from "../label-masks.js";
import type { Answer, MethodImage, WholeImage } from "./method.js";

/** An image cut into segments, once for each level. */
export interface Partitions {
  readonly width: number;
  readonly height: number;
  /** Ascending; empty where there is one partition and no granularity. */
  readonly levels: readonly number[];
  /** Segment of each pixel, any numbers, [height, width] each; fine to coarse. */
  readonly partitions: readonly Int32Array[];
}

/**
 * Answers clicks from partitions. The mask is the union of the segments with foreground clicks, without those that
 * hold a background click; a segment with clicks of both kinds is divided by the nearer click. Several partitions make
 * no choice of their own.
 */
export function preparePartitions({ width, height, levels, partitions }: Partitions): MethodImage {
  const at = (clicks: readonly PromptPoint[], k: number): Answer => ({
    mask: segmentsAt(partitions[k], width, height, clicks),
    granularity: levels[k] ?? null,
    logits: null,
  });
  const offer = (clicks: readonly PromptPoint[]) => {
    const ladder = partitions.map((_, k) => at(clicks, k));
    return { ladder, auto: ladder.length === 1 ? ladder[0] : null };
  };
  return {
    offer: async (clicks) => offer(clicks),
    async answer(clicks, granularity) {
      // Without granularity there is one partition to answer from.
      const level = granularity === "auto" ? 0 : levels.findIndex((level) => level >= granularity - 1e-9);
      return at(clicks, level < 0 ? partitions.length - 1 : level);
    },
    wholeImage: async () => wholeImage({ width, height, levels, partitions }),
    dispose: async () => {},
  };
}

function segmentsAt(labels: Int32Array, width: number, height: number, clicks: readonly PromptPoint[]): Mask {
  const segmentOf = ({ x, y }: PromptPoint) => labels[Math.floor(y) * width + Math.floor(x)];
  const wanted = new Set(clicks.filter(({ label }) => label === 1).map(segmentOf));
  const unwanted = new Set(clicks.filter(({ label }) => label === 0).map(segmentOf));
  const stride = Math.ceil(width / 32);
  const words = new Uint32Array(stride * height);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      if (!wanted.has(labels[i])) continue;
      if (unwanted.has(labels[i]) && !nearestIsForeground(clicks, x, y)) continue;
      words[y * stride + (x >> 5)] |= 1 << (x & 31);
    }
  }
  return new Mask(width, height, words);
}

/** Background clicks win ties. */
function nearestIsForeground(clicks: readonly PromptPoint[], x: number, y: number): boolean {
  let nearest = Number.POSITIVE_INFINITY;
  let foreground = false;
  for (const click of clicks) {
    const distance = (Math.floor(click.x) - x) ** 2 + (Math.floor(click.y) - y) ** 2;
    if (distance > nearest || (distance === nearest && click.label === 1)) continue;
    nearest = distance;
    foreground = click.label === 1;
  }
  return foreground;
}

/** Proposals are the distinct segments of all partitions, the coarsest partition first, larger segments first. */
function wholeImage({ width, height, partitions }: Partitions): WholeImage {
  return {
    segmentations: partitions.length,
    labels: (k) => partitions[k],
    async proposals(count) {
      const chosen: Mask[] = [];
      for (const labels of [...partitions].reverse()) {
        const masks = [...labelMasks(labels, width, height).values()].sort((a, b) => b.area - a.area);
        for (const mask of masks) {
          if (chosen.length === count) return chosen;
          if (!chosen.some((other) => other.area === mask.area && other.equals(mask))) chosen.push(mask);
        }
      }
      return chosen;
    },
  };
}
