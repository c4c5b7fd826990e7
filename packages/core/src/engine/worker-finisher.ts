import { computeThreads } from "../runtime/index.js";
import type { MaskFinisher } from "./mask-finisher.js";

const compute = computeThreads().bind<typeof import("./finish.worker.js")>(
  new URL("./finish.worker.js", import.meta.url),
  "interactive",
);

/** Finishes masks in TypeScript, on a compute thread. */
export const workerFinisher: MaskFinisher = {
  finish(maps, side, size, { maxHoleArea, maxSprinkleArea, signal }) {
    const requests = maps.map((logits) => ({ logits, height: side, width: side }));
    return compute("finish", [requests, size, { maxHoleArea, maxSprinkleArea }], { signal });
  },
};
