import { scalesOfLadder } from "@unsam/core/engine";
import { UnSAMError } from "@unsam/core/errors";
import { nest, type OverlayMarks } from "@unsam/core/mask";
import { parseOptions } from "@unsam/core/options";
import { SAME_SCALE_IOU } from "@unsam/core/scales";
import { z } from "zod";
import { type Granularity, parseGranularity } from "./granularity.js";
import type { LadderRung } from "./ladder-rung.js";
import { type LadderSheetOptions, ladderSheet } from "./ladder-sheet.js";
import type { Segment } from "./segment.js";
import {
  checkMultimask,
  type ModelOfOptions,
  type SegmentOptions,
  segmentSchema,
} from "./segment-options.js";

export interface LadderOptions extends SegmentOptions {
  /** How many granularities, evenly spaced over [0.1, 1] with both ends, or the granularities themselves. Default 10. */
  readonly levels?: number | readonly Granularity[] | undefined;
  /** Whether masks are changed, as little as possible, so that each lies in the next coarser one. Default false. */
  readonly nested?: boolean | undefined;
}

const schema = segmentSchema.extend({
  levels: z.custom<NonNullable<LadderOptions["levels"]>>().default(10),
  nested: z.boolean().default(false),
});

/** Checks the options of `image.ladder`, for a model. Throws `E_BAD_OPTION`, `E_UNSUPPORTED`. */
export function parseLadderOptions(options: LadderOptions, model: ModelOfOptions): z.output<typeof schema> {
  const parsed = parseOptions(schema, options, "ladder");
  if (parsed.multimask) checkMultimask(model);
  return parsed;
}

/** Two neighbouring levels whose masks are not nested. */
export interface NestingViolation {
  /** The two levels. */
  readonly finer: number;
  readonly coarser: number;
  /** Pixels of the finer mask outside of the coarser one, and their share of the finer mask. */
  readonly pixels: number;
  readonly share: number;
}

export interface Nesting {
  /** Whether every mask lies in the next coarser one. */
  readonly holds: boolean;
  /** Largest share of a mask outside of the next coarser one, 0 where nesting holds. */
  readonly worst: number;
  readonly violations: readonly NestingViolation[];
}

/** The answers to one prompt at several granularities, from fine to coarse; made by `image.ladder(prompt)`. Immutable. */
export class GranularityLadder implements Iterable<Segment> {
  /** One for each level, from fine to coarse. */
  readonly segments: readonly Segment[];
  /** @internal The prompt's clicks and box, to be drawn. */
  readonly marks: OverlayMarks;
  #distinct: readonly LadderRung[] | undefined;
  #stable: Segment | undefined;
  #nested: Nesting | undefined;

  /** @internal Use `image.ladder`. */
  constructor(segments: readonly Segment[], marks: OverlayMarks) {
    this.segments = segments;
    this.marks = marks;
  }

  /** @internal The same ladder with nested masks. */
  async enforceNesting(signal: AbortSignal | undefined): Promise<GranularityLadder> {
    const masks = await nest(
      this.segments.map(({ mask }) => mask),
      signal,
    );
    return new GranularityLadder(
      this.segments.map((segment, i) => segment.withMask(masks[i])),
      this.marks,
    );
  }

  /** The granularities, ascending. */
  get levels(): readonly number[] {
    return this.segments.map(levelOf);
  }

  get length(): number {
    return this.segments.length;
  }

  [Symbol.iterator](): Iterator<Segment> {
    return this.segments[Symbol.iterator]();
  }

  /** The segment of the level nearest to a granularity, of two as near the coarser one. Throws `E_BAD_PROMPT`. */
  at(granularity: number | "fine" | "medium" | "coarse"): Segment {
    const wanted = parseGranularity(granularity);
    if (typeof wanted !== "number") {
      throw new UnSAMError("E_BAD_PROMPT", `ladder.at takes a number from 0 to 1 or a name, not ${wanted}.`);
    }
    const away = (segment: Segment) => Math.abs(levelOf(segment) - wanted);
    return this.segments.reduce((a, b) => (away(b) <= away(a) ? b : a));
  }

  /** The different scales, from fine to coarse: levels in a row whose masks have an IoU of 0.95 or more are one. */
  get distinct(): readonly LadderRung[] {
    this.#distinct ??= distinctScales(this.segments);
    return this.#distinct;
  }

  /** The most persistent scale: what `granularity: "auto"` chooses from these levels (docs/granularity.md). */
  get stable(): Segment {
    this.#stable ??= this.segments[mostPersistent(this.segments)];
    return this.#stable;
  }

  /** Where masks of neighbouring levels fail to be nested. */
  get nested(): Nesting {
    this.#nested ??= nestingOf(this.segments);
    return this.#nested;
  }

  /**
   * A contact sheet as PNG: one tile for each distinct scale with its range of granularity; the most persistent one is
   * marked. Throws `E_BAD_IMAGE` where the photo is neither known nor given.
   */
  toSheet(options: LadderSheetOptions = {}): Promise<Buffer> {
    return ladderSheet(this, options);
  }
}

function levelOf({ granularity }: Segment): number {
  return granularity!;
}

function distinctScales(segments: readonly Segment[]): LadderRung[] {
  const scales: { segment: Segment; levels: number[] }[] = [];
  for (const segment of segments) {
    const scale = scales.at(-1);
    if (scale && isSameScale(scale.segment, segment)) scale.levels.push(levelOf(segment));
    else scales.push({ segment, levels: [levelOf(segment)] });
  }
  return scales.map(({ segment, levels }) => ({ segment, levels, range: [levels[0], levels.at(-1)!] }));
}

function isSameScale({ mask }: Segment, { mask: other }: Segment): boolean {
  // Levels that pick the same region share its mask.
  return mask === other || mask.iou(other) >= SAME_SCALE_IOU;
}

function mostPersistent(segments: readonly Segment[]): number {
  const levels = segments.map((segment) => ({
    granularity: levelOf(segment),
    logits: segment.logits.data,
    score: segment.score,
  }));
  return scalesOfLadder(levels, 1)[0].index;
}

function nestingOf(segments: readonly Segment[]): Nesting {
  const violations: NestingViolation[] = [];
  for (let i = 1; i < segments.length; i++) {
    const [finer, coarser] = [segments[i - 1], segments[i]];
    const pixels = finer.mask.area - finer.mask.intersection(coarser.mask);
    if (pixels === 0) continue;
    violations.push({
      finer: levelOf(finer),
      coarser: levelOf(coarser),
      pixels,
      share: pixels / finer.mask.area,
    });
  }
  return {
    holds: violations.length === 0,
    worst: Math.max(0, ...violations.map(({ share }) => share)),
    violations,
  };
}
