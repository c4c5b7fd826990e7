import type { NativeTensor, NativeWeights } from "./native-weights.js";
import { randomNumbers, randomTensor } from "./random-tensor.js";

const [INPUTS, METRIC] = [4, 3];
/** Channels of the stem and of the stages, and of the pyramid's levels: no multiples of a vector. */
const WIDTHS = [5, 12, 17, 20, 50];
const LEVELS = [6, 9, 16, 18];

/** A nano network small enough to be tried out, which still takes every kind of convolution. The same numbers for the same seed. */
export function syntheticNanoWeights(seed = 4): NativeWeights {
  const random = randomNumbers(seed);
  const all: [string, NativeTensor][] = [];
  const layer = (name: string, out: number, inputs: number, kernel: number) => {
    for (const [part, shape] of [
      ["weight", [out, inputs, kernel, kernel]],
      ["bias", [out]],
    ] as const) {
      all.push([`${name}.${part}`, randomTensor(`${name}.${part}`, shape, random)]);
    }
  };
  layer("stem.0", 7, INPUTS, 5);
  layer("stem.1", WIDTHS[0], 7, 3);
  for (const [k, level] of LEVELS.entries()) {
    layer(`stages.${k}.0`, WIDTHS[k + 1], WIDTHS[k], 3);
    layer(`stages.${k}.1.first`, WIDTHS[k + 1], WIDTHS[k + 1], 3);
    layer(`stages.${k}.1.second`, WIDTHS[k + 1], WIDTHS[k + 1], 3);
    layer(`lateral.${k}`, level, WIDTHS[k], 1);
    layer(`smooth.${k}`, level, level, 3);
    if (k + 1 < LEVELS.length) layer(`reduce.${k}`, level, LEVELS[k + 1], 1);
  }
  layer("top", LEVELS[3], WIDTHS[4], 1);
  layer("boundary", 2, LEVELS[0], 1);
  layer("metric", METRIC, LEVELS[0], 1);
  layer("colour", METRIC, INPUTS, 2);
  return Object.fromEntries(all);
}
