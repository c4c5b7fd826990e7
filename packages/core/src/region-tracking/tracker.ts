import { UnSAMError } from "../errors.js";
import { Mask } from "../mask/mask.js";
import { removeSmallRegions } from "../mask/small-regions.js";
import type { PromptPoint } from "../prompt.js";
import { logOdds } from "../region-tree/answer-logits.js";
import { treeMask } from "../region-tree/answer-mask.js";
import { segmentTree } from "../region-tree/segment.js";
import { corrected } from "./corrected.js";
import { firstSight, follow, type Sight, type TreeFrame } from "./follow.js";
import { innermost } from "./innermost.js";

/** What an object is prompted with on a frame, in pixels of the video. */
export interface RegionPrompt {
  readonly points: readonly PromptPoint[];
  readonly box: readonly [number, number, number, number] | null;
  readonly mask: Mask | null;
  /** Points that the frame has already are kept. */
  readonly extend: boolean;
  readonly granularity: number | null;
}

/** What is known of an object on a frame. */
export interface RegionResult {
  readonly mask: Mask;
  /** 0 … 1. */
  readonly score: number;
  /** Whether the object is there: above 0. */
  readonly objectScore: number;
  readonly granularity: number | null;
  /** null: there was nothing yet that could be followed. */
  readonly sight: Sight | null;
  readonly reverse: boolean;
}

export interface RegionTrackerOptions {
  /** Holes up to this many pixels of the video are filled. */
  readonly maxHoleArea: number;
  /** Results of tracked frames farther than this from the last one are forgotten; may be Infinity. */
  readonly history: number;
}

/** Object score of what was given or asked for: it holds something, or nothing. */
const SURE = 10;
/** It is not believed to go on straight for longer, frames. */
const MOST_DISTANCE = 3;

/** Everything that is known of one object. Objects know nothing of each other. */
class TrackedThing {
  readonly prompted = new Map<number, RegionResult>();
  readonly tracked = new Map<number, RegionResult>();
  readonly points = new Map<number, readonly PromptPoint[]>();
  /** What clicks on a frame correct: the mask that was tracked there, or given. */
  readonly bases = new Map<number, Mask>();
}

/**
 * Follows objects through frames by their region trees and by motion, without a network. One call after the other; who calls
 * brings the frame. A prompted frame stays as it is; others are answered from the frame beside them.
 */
export class RegionTracker {
  readonly objects = new Map<number, TrackedThing>();
  readonly #options: RegionTrackerOptions;

  constructor(options: RegionTrackerOptions) {
    this.#options = options;
  }

  /** Answers clicks, a box or a mask on a frame. Throws `E_BAD_PROMPT`. */
  prompt(id: number, at: number, frame: TreeFrame, prompt: RegionPrompt): RegionResult {
    const thing = this.objects.get(id) ?? new TrackedThing();
    const { tree } = frame;
    const { box, granularity } = prompt;
    const points = [...(prompt.extend ? (thing.points.get(at) ?? []) : []), ...prompt.points];
    const tracked = thing.tracked.get(at)?.mask;
    const base = prompt.mask ?? (box === null ? (thing.bases.get(at) ?? tracked) : undefined);
    let mask: Mask;
    let score = 1;
    if (base !== undefined && base.area > 0) {
      mask = points.length > 0 ? corrected(tree, base, points, granularity) : base;
    } else if (prompt.mask !== null && points.length === 0) {
      mask = prompt.mask;
    } else {
      const answer = segmentTree(tree, { points, box, mask: null, granularity });
      mask = treeMask(tree, answer);
      score = answer.score;
    }
    const sight = firstSight(frame, mask);
    const result: RegionResult = {
      mask: prompt.mask === mask ? mask : this.#cleaned(mask),
      score,
      objectScore: sight ? SURE : -SURE,
      granularity,
      sight,
      reverse: false,
    };
    this.objects.set(id, thing);
    thing.points.set(at, points);
    if (base) thing.bases.set(at, base);
    else thing.bases.delete(at);
    thing.prompted.set(at, result);
    thing.tracked.delete(at);
    return result;
  }

  /** To be called before `track`. Throws `E_BAD_PROMPT` for an object without a prompt. */
  check(): void {
    if (this.objects.size === 0) {
      throw new UnSAMError("E_BAD_PROMPT", "There is no object to track; prompt one on a frame first.");
    }
    for (const [id, { prompted }] of this.objects) {
      if (prompted.size > 0) continue;
      throw new UnSAMError(
        "E_BAD_PROMPT",
        `Object ${id} has no prompt on any frame; prompt it, or remove it.`,
      );
    }
  }

  /** The earliest prompted frame of any object. */
  get firstFrame(): number | null {
    const frames = [...this.objects.values()].flatMap(({ prompted }) => [...prompted.keys()]);
    return frames.length === 0 ? null : frames.reduce((a, b) => Math.min(a, b));
  }

  /** Whether `track` needs the frame: not where all objects are prompted on it. */
  needsFrame(at: number): boolean {
    return [...this.objects.values()].some(({ prompted }) => !prompted.has(at));
  }

  /** One object on one frame. `frame`: where that is needed. */
  track(
    id: number,
    at: number,
    frame: TreeFrame | null,
    { reverse, granularity }: { readonly reverse: boolean; readonly granularity: number | null },
  ): RegionResult {
    const thing = this.objects.get(id);
    if (!thing) throw new UnSAMError("E_BAD_PROMPT", `There is no object ${id}; prompt it first.`);
    const known = thing.prompted.get(at);
    if (known) return known;
    if (frame === null) throw new Error(`Frame ${at} is not prompted, and was not encoded.`);
    const result = this.#followed(thing, at, frame, reverse, granularity);
    thing.tracked.set(at, result);
    thing.bases.delete(at);
    for (const other of thing.tracked.keys()) {
      if (Math.abs(other - at) > this.#options.history) thing.tracked.delete(other);
    }
    return result;
  }

  /** What is known of all objects on a frame. */
  results(at: number): Map<number, RegionResult> {
    const all = new Map<number, RegionResult>();
    for (const [id, { prompted, tracked }] of this.objects) {
      const result = prompted.get(at) ?? tracked.get(at);
      if (result) all.set(id, result);
    }
    return all;
  }

  /** A frame loses its prompts; what was known there stays as if it had been tracked. */
  clearPrompts(id: number, at: number): void {
    const thing = this.objects.get(id);
    const result = thing?.prompted.get(at);
    if (!thing || !result) return;
    thing.points.delete(at);
    thing.bases.delete(at);
    thing.prompted.delete(at);
    thing.tracked.set(at, result);
  }

  #followed(
    thing: TrackedThing,
    at: number,
    frame: TreeFrame,
    reverse: boolean,
    granularity: number | null,
  ): RegionResult {
    const [from, source] = nearest(thing, at, reverse);
    const { width, height } = frame.tree;
    const nothing = new Mask(width, height, new Uint32Array(Math.ceil(width / 32) * height));
    if (source.sight === null)
      return { ...source, mask: nothing, objectScore: -SURE, score: 0, granularity, reverse };
    const sight = source.reverse === reverse ? source.sight : turned(source.sight);
    const followed = follow(sight, frame, Math.min(MOST_DISTANCE, Math.abs(at - from)));
    const { confidence } = followed;
    const answer = { score: confidence, objectScore: logOdds(confidence), granularity, reverse };
    if (followed.mask === null) {
      // It comes back with the granularity that it was last seen with.
      return { ...answer, granularity: source.granularity, mask: nothing, sight: followed.sight };
    }
    if (granularity === source.granularity) {
      return { ...answer, mask: this.#cleaned(followed.mask), sight: followed.sight };
    }
    const mask = this.#cleaned(regionOf(frame, followed.mask, granularity));
    return { ...answer, mask, sight: firstSight(frame, mask) ?? followed.sight };
  }

  #cleaned(mask: Mask): Mask {
    const { maxHoleArea } = this.#options;
    if (maxHoleArea < 1) return mask;
    const { width, height } = mask;
    return new Mask(
      width,
      height,
      removeSmallRegions(mask.words, width, height, "holes", Math.floor(maxHoleArea) + 1),
    );
  }
}

/** What lies at the middle of a mask, at another granularity. */
function regionOf({ tree }: TreeFrame, mask: Mask, granularity: number | null): Mask {
  const point = innermost(mask);
  if (point === null) return mask;
  const points = [{ ...point, label: 1 as const }];
  return treeMask(tree, segmentTree(tree, { points, box: null, mask: null, granularity }));
}

/** The nearest known frame that a frame is reached from, in the direction that is tracked; else the nearest one behind it. */
function nearest(thing: TrackedThing, at: number, reverse: boolean): [number, RegionResult] {
  const known = [...thing.tracked, ...thing.prompted].filter(([frame]) => frame !== at);
  const before = known.filter(([frame]) => (reverse ? frame > at : frame < at));
  const candidates = before.length > 0 ? before : known;
  return candidates.reduce((a, b) => (Math.abs(b[0] - at) < Math.abs(a[0] - at) ? b : a));
}

function turned(sight: Sight): Sight {
  const [x, y] = sight.velocity;
  return { ...sight, velocity: [-x, -y] };
}
