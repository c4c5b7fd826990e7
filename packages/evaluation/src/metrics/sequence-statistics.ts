import { mean } from "./iou.js";

/** What DAVIS tells of a measure over the frames of an object. */
export interface SequenceStatistics {
  readonly mean: number;
  /** Share of frames above ½. */
  readonly recall: number;
  /** How much higher the mean is over the first quarter of the frames than over the last. */
  readonly decay: number;
}

const RECALL_FROM = 0.5;
const PARTS = 4;

/**
 * Mean, recall and decay as DAVIS's own evaluation computes them: neighbouring quarters share the frame between them. (The
 * official code keeps the places of frames in 8 bits, so it differs for objects of more than 255 frames.) NaN of no frames.
 */
export function sequenceStatistics(values: readonly number[]): SequenceStatistics {
  const last = values.length - 1;
  // Halves are rounded up.
  const bounds = Array.from({ length: PARTS + 1 }, (_, k) => Math.round((k * last) / PARTS));
  const part = (k: number) => mean(values.slice(bounds[k], bounds[k + 1] + 1));
  return {
    mean: mean(values),
    recall: mean(values.map((value) => (value > RECALL_FROM ? 1 : 0))),
    decay: part(0) - part(PARTS - 1),
  };
}
