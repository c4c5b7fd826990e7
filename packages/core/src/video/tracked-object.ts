import type { StoredMemory } from "./stored-memory.js";

/** What is kept of an object on a frame. */
export interface FrameResult {
  /** [S / 4, S / 4], holes filled. */
  readonly logits: Float32Array;
  /** [d] */
  readonly pointer: Float32Array;
  /** Object score logit. */
  readonly score: number;
  /** 1 for a mask that was given. */
  readonly predictedIou: number;
  readonly memory: StoredMemory;
}

/** Clicks of a frame in pixels of the video, box corners (labels 2 and 3) first. */
export interface FramePoints {
  /** [n, 2] */
  readonly coords: readonly number[];
  readonly labels: readonly number[];
}

/** Where a result is kept: with the prompted frames that are always read, or with the tracked ones. */
export type Store = "conditioning" | "others";

/** Everything that is known of one object. Objects know nothing of each other. */
export class TrackedObject {
  readonly conditioning = new Map<number, FrameResult>();
  readonly others = new Map<number, FrameResult>();
  /** Results of prompts since the last propagation began. */
  readonly pending = { conditioning: new Map<number, FrameResult>(), others: new Map<number, FrameResult>() };
  readonly points = new Map<number, FramePoints>();
  /** Frames that were tracked, by whether backwards. */
  readonly tracked = new Map<number, boolean>();

  /** The newest result of a frame. */
  result(frame: number): FrameResult | undefined {
    const { conditioning, others } = this.pending;
    return conditioning.get(frame) ?? others.get(frame) ?? this.stored(frame);
  }

  stored(frame: number): FrameResult | undefined {
    return this.conditioning.get(frame) ?? this.others.get(frame);
  }

  /** What is pending becomes part of what is remembered. */
  settle(): void {
    for (const store of ["others", "conditioning"] as const) {
      for (const [frame, result] of this.pending[store]) this[store].set(frame, result);
      this.pending[store].clear();
    }
    for (const frame of this.conditioning.keys()) this.others.delete(frame);
  }

  get isPrompted(): boolean {
    return this.conditioning.size > 0 || this.pending.conditioning.size > 0;
  }

  /** A frame loses its prompts; what was a conditioning frame stays as a memory. */
  clear(frame: number): void {
    this.points.delete(frame);
    this.pending.conditioning.delete(frame);
    this.pending.others.delete(frame);
    const result = this.conditioning.get(frame);
    if (result === undefined) return;
    this.conditioning.delete(frame);
    this.others.set(frame, result);
    this.tracked.delete(frame);
  }

  /** Forgets tracked results that are farther from a frame than this. */
  forget(frame: number, distance: number): void {
    for (const at of this.others.keys()) if (Math.abs(at - frame) > distance) this.others.delete(at);
  }
}
