import {
  type LogitMaps,
  type MaskStack,
  type MaskStatistics,
  maskStatistics,
  type ThresholdOptions,
} from "../fusion/index.js";
import { cleanLogits, finishMask, wordsPerRow } from "../mask/index.js";
import { operation } from "./operation.js";

/** Pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** Logits of several masks, in one array or in one array each. */
export interface LogitMapList extends Omit<LogitMaps, "data"> {
  readonly data: Float32Array | readonly Float32Array[];
}

/** Masks at image size. */
export interface FinishedMasks {
  readonly masks: MaskStack;
  /** [count] IoU of the masks at logit thresholds −1 and +1. */
  readonly stability: Float64Array;
}

/** The thresholds of every mask that is shown to a user. */
const OFFICIAL = { threshold: 0, stabilityOffset: 1 };

export const MASK_OPERATIONS = {
  /** Low-resolution logits to masks at image size. */
  finishMasks: operation({
    typescript(maps: LogitMapList, size: Size): FinishedMasks {
      const length = wordsPerRow(size.width) * size.height;
      const words = new Uint32Array(maps.count * length);
      const stability = new Float64Array(maps.count);
      for (let k = 0; k < maps.count; k++) {
        const finished = finishMask(mapOf(maps, k), maps.height, maps.width, size.width, size.height);
        words.set(finished.words, k * length);
        stability[k] = finished.stability;
      }
      return { masks: { count: maps.count, ...size, words }, stability };
    },
    native: ([maps, size], threads) => [
      maps,
      size,
      { ...OFFICIAL, keepWords: true, runLengths: false, threads },
    ],
  }),

  /** Small holes filled and small islands removed, before the logits are upsampled; [count, height, width]. */
  cleanLogits: operation({
    typescript(maps: LogitMapList, options: { maxHoleArea: number; maxSprinkleArea: number }): Float32Array {
      const size = maps.height * maps.width;
      const cleaned = new Float32Array(maps.count * size);
      for (let k = 0; k < maps.count; k++) {
        cleaned.set(cleanLogits(mapOf(maps, k), maps.height, maps.width, options), k * size);
      }
      return cleaned;
    },
    native: ([maps, { maxHoleArea, maxSprinkleArea }], threads) => [
      maps,
      { maxHoleArea, maxSprinkleArea, threads },
    ],
  }),

  /** Masks, areas, boxes and stability of logits at their own resolution. */
  maskStatistics: operation({
    typescript: (maps: LogitMaps, thresholds: ThresholdOptions = OFFICIAL): MaskStatistics =>
      maskStatistics(maps, thresholds),
    native: ([maps, thresholds], threads) => [maps, { ...OFFICIAL, ...thresholds, threads }],
  }),
};

function mapOf({ data, height, width }: LogitMapList, k: number): Float32Array {
  const size = height * width;
  return data instanceof Float32Array ? data.subarray(k * size, (k + 1) * size) : data[k];
}
