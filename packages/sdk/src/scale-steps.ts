import { SAME_SCALE_IOU } from "@unsam/core/scales";
import { ladderLevels } from "./granularity.js";
import type { Segment, StepsToScales } from "./segment.js";

/** The granularities that a step may land on: 0.1, 0.15 … 1. */
const STEPS: readonly number[] = ladderLevels(19);

/** Answers the prompt at several granularities in one decoder call; throws once the image is disposed. */
export type AnswerAt = (levels: readonly number[], signal: AbortSignal) => Promise<readonly Segment[]>;

/**
 * The finer and coarser scales of one prompt, shared by all segments that came from it. The first step decodes the masks at all
 * granularities in one call; they are kept with the segments.
 */
export class ScaleSteps implements StepsToScales {
  readonly #answer: AnswerAt;
  readonly #alive: () => void;
  #steps: {
    readonly segments: Promise<readonly Segment[]>;
    waiting: number;
    readonly stop: AbortController;
  } | null = null;

  constructor(answer: AnswerAt, alive: () => void) {
    this.#answer = answer;
    this.#alive = alive;
  }

  /**
   * The nearest step in a direction whose mask is another scale (IoU below 0.95); null where there is none.
   * Throws `E_DISPOSED`, or the reason of `signal`.
   */
  async step(from: Segment, direction: "finer" | "coarser", signal?: AbortSignal): Promise<Segment | null> {
    this.#alive();
    signal?.throwIfAborted();
    const steps = await this.#wait(signal);
    const here = from.granularity ?? mostAlike(steps, from).granularity!;
    const ahead =
      direction === "finer"
        ? steps.filter(({ granularity }) => granularity! < here).reverse()
        : steps.filter(({ granularity }) => granularity! > here);
    return ahead.find(({ mask }) => mask.iou(from.mask) < SAME_SCALE_IOU) ?? null;
  }

  /** Work for several callers goes on until the last of them has given up. */
  async #wait(signal: AbortSignal | undefined): Promise<readonly Segment[]> {
    const steps = this.#steps ?? this.#start();
    if (!signal) {
      steps.waiting++;
      return steps.segments;
    }
    steps.waiting++;
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        if (--steps.waiting === 0) {
          if (this.#steps === steps) this.#steps = null;
          steps.stop.abort(signal.reason);
        }
        reject(signal.reason);
      };
      signal.addEventListener("abort", onAbort, { once: true });
      steps.segments.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
    });
  }

  #start() {
    const stop = new AbortController();
    const steps = { segments: this.#answer(STEPS, stop.signal), waiting: 0, stop };
    this.#steps = steps;
    // What failed is tried again by the next caller.
    steps.segments.catch(() => {
      if (this.#steps === steps) this.#steps = null;
    });
    return steps;
  }
}

/** The segment whose mask agrees best with that of another, of equals the coarsest. */
function mostAlike(segments: readonly Segment[], to: Segment): Segment {
  return segments.reduce((a, b) => (b.mask.iou(to.mask) >= a.mask.iou(to.mask) ? b : a));
}
