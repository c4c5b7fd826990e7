import { availableParallelism } from "node:os";
import type { NativeBinding } from "@unsam/native-cuda";
import { typed } from "../decoder/index.js";
import { wordsPerRow } from "../mask/index.js";
import type { Turns } from "../runtime/index.js";
import type { FinishedWords, MaskFinisher } from "./mask-finisher.js";
import { workerFinisher } from "./worker-finisher.js";

/** What goes into or comes out of one call is copied on this thread: a millisecond or two. */
const BYTES_PER_CALL = 8 * 2 ** 20;

/**
 * Finishes masks in the addon, on all cores; those whose logits are to be cleaned first on a compute thread. `turns`: of
 * the calls into the addon, each of which uses all cores.
 */
export function nativeFinisher(
  binding: NativeBinding,
  turns: Turns,
  threads: number = availableParallelism(),
): MaskFinisher {
  return {
    async finish(maps, side, size, options) {
      const { maxHoleArea, maxSprinkleArea, signal } = options;
      if (maxHoleArea > 0 || maxSprinkleArea > 0) return workerFinisher.finish(maps, side, size, options);
      const length = wordsPerRow(size.width) * size.height;
      const perCall = Math.max(1, Math.floor(BYTES_PER_CALL / (4 * Math.max(side * side, length))));
      const finished: FinishedWords[] = [];
      for (let start = 0; start < maps.length; start += perCall) {
        signal?.throwIfAborted();
        const data = maps.slice(start, start + perCall);
        const stack = { count: data.length, height: side, width: side, data };
        const { masks, stability } = await turns.run(
          () =>
            typed(
              binding.finishMasks(stack, size, {
                threshold: 0,
                stabilityOffset: 1,
                keepWords: true,
                runLengths: false,
                threads,
              }),
            ),
          { priority: "interactive", signal },
        );
        for (let k = 0; k < data.length; k++) {
          // Of several each gets a buffer of its own, so that keeping one does not keep them all.
          const words = data.length === 1 ? masks.words : masks.words.slice(k * length, (k + 1) * length);
          finished.push({ words, stability: stability[k] });
        }
      }
      return finished;
    },
  };
}
