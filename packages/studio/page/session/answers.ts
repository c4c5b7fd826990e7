import type { LadderRequest, SegmentAnswer, UnSAMClient } from "@unsam/server/client";
import { paintStrokes } from "../masks/brush.ts";
import type { MaskSource } from "../masks/drawn.ts";
import { countsOf } from "../masks/rle.ts";
import { type Asked, keyOf, type StudioObject } from "../state/document.ts";
import { COARSEST, FINEST, indexAt, type Ladder, LEVELS } from "../state/ladder.ts";
import type { OpenPhoto } from "./photo.ts";

const MOST_KEPT = 200;

/** A mask of an object, as it is shown and exported. */
export interface Shown extends MaskSource {
  readonly area: number;
  readonly score: number;
  readonly stability: number;
  readonly granularity: number | null;
  /** Which scale of the ladder it is; −1: it has none. */
  readonly index: number;
}

/** Ladders of prompts, asked once each. */
export class Answers {
  readonly #model: UnSAMClient;
  readonly #ladders = new Map<string, Ladder>();
  /** What an object showed last, until its next answer is there. */
  readonly #latest = new Map<number, Ladder>();

  /** What the pointer showed where an object began, until its first answer is there. */
  readonly #glimpses = new Map<number, Shown>();

  constructor(model: UnSAMClient) {
    this.#model = model;
  }

  /** Another photo or model. */
  clear(): void {
    this.#ladders.clear();
    this.#latest.clear();
    this.#glimpses.clear();
  }

  /** Shows a mask for an object that has no answer yet. */
  glimpse(id: number, shown: Shown): void {
    if (!this.#latest.has(id)) this.#glimpses.set(id, shown);
  }

  /** The answer to what is asked now; null: it is not there yet. */
  known(photo: OpenPhoto, asked: Asked): Ladder | null {
    return this.#ladders.get(photo.id + keyOf(asked)) ?? null;
  }

  /** The object's ladder, or the one before while the next is on its way. */
  ladderOf(photo: OpenPhoto, object: StudioObject): Ladder | null {
    if (object.region) return null;
    const known = this.known(photo, object.asked);
    if (known) this.#latest.set(object.id, known);
    return known ?? this.#latest.get(object.id) ?? null;
  }

  shown(photo: OpenPhoto, object: StudioObject): Shown | null {
    if (object.region) return { ...object.region, index: -1 };
    const ladder = this.ladderOf(photo, object);
    if (!ladder) return this.#glimpses.get(object.id) ?? null;
    const index = indexAt(ladder, object.granularity);
    return shownOf(ladder.scales[index].segment, index);
  }

  /** Throws what the service refuses. */
  async ask(photo: OpenPhoto, asked: Asked, hasGranularity: boolean): Promise<Ladder> {
    const known = this.known(photo, asked);
    if (known) return known;
    const since = performance.now();
    const prompt = promptOf(asked, photo);
    const id = photo.id!;
    const scales = hasGranularity
      ? (await this.#model.ladder(id, { ...prompt, levels: [...LEVELS] })).scales
      : [aloneOn((await this.#model.segment(id, { prompts: [prompt] })).segments[0])];
    const ladder = { scales, hasGranularity, milliseconds: performance.now() - since };
    this.#ladders.set(id + keyOf(asked), ladder);
    for (const key of this.#ladders.keys()) {
      if (this.#ladders.size <= MOST_KEPT) break;
      this.#ladders.delete(key);
    }
    return ladder;
  }
}

function aloneOn(segment: SegmentAnswer): Ladder["scales"][number] {
  return { levels: [], range: [FINEST, COARSEST], isStable: true, segment };
}

export function shownOf({ rle, ...segment }: SegmentAnswer, index: number): Shown {
  return { ...segment, counts: rle.counts as string, index };
}

function promptOf({ clicks, box, strokes }: Asked, { width, height }: OpenPhoto): LadderRequest {
  const prompt: LadderRequest = {};
  if (clicks.length > 0) prompt.points = clicks.map(({ x, y, isWanted }) => [x, y, isWanted ? 1 : 0]);
  if (box) prompt.box = [...box];
  if (strokes.length > 0) {
    const counts = countsOf(paintStrokes(strokes, width, height), width, height);
    prompt.mask = { size: [height, width], counts };
  }
  return prompt;
}
