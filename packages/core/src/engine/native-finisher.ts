import { availableParallelism } from "node:os";
import type { NativeBinding } from "@unsam/native-cuda";
import { wordsPerRow } from "../mask/index.js";
import { operationsOf } from "../operations/index.js";
import type { Turns } from "../runtime/index.js";
import type { FinishedWords, MaskFinisher } from "./mask-finisher.js";

/** What goes into or comes out of one call is copied on this thread: a millisecond or two. */
const BYTES_PER_CALL = 8 * 2 ** 20;

/** Finishes masks in the addon, on all cores. `turns`: of the calls into the addon, each of which uses all cores. */
export function nativeFinisher(
  binding: NativeBinding,
  turns: Turns,
  threads: number = availableParallelism(),
): MaskFinisher {
  const { cleanLogits, finishMasks } = operationsOf(binding, threads);
  return {
    async finish(maps, side, size, options) {
      const { maxHoleArea, maxSprinkleArea, signal } = options;
      const clean = maxHoleArea > 0 || maxSprinkleArea > 0;
      const length = wordsPerRow(size.width) * size.height;
      const perCall = Math.max(1, Math.floor(BYTES_PER_CALL / (4 * Math.max(side * side, length))));
      const finished: FinishedWords[] = [];
      for (let start = 0; start < maps.length; start += perCall) {
        signal?.throwIfAborted();
        const data = maps.slice(start, start + perCall);
        const count = data.length;
        const given = { count, height: side, width: side, data };
        const call = async () => {
          const cleaned = clean
            ? { ...given, data: await cleanLogits(given, { maxHoleArea, maxSprinkleArea }) }
            : given;
          return finishMasks(cleaned, size);
        };
        const { masks, stability } = await turns.run(call, { priority: "interactive", signal });
        for (let k = 0; k < count; k++) {
          // Of several each gets a buffer of its own, so that keeping one does not keep them all.
          const words = count === 1 ? masks.words : masks.words.slice(k * length, (k + 1) * length);
          finished.push({ words, stability: stability[k] });
        }
      }
      return finished;
    },
  };
}
