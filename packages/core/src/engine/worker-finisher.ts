import { computeThread } from "../runtime/index.js";
import type { MaskFinisher } from "./mask-finisher.js";

const compute = computeThread().bind<typeof import("./finish.worker.js")>(
  new URL("./finish.worker.js", import.meta.url),
);

/** Finishes masks in TypeScript, on the compute thread. */
export const workerFinisher: MaskFinisher = {
  finish(maps, side, size, { maxHoleArea, maxSprinkleArea, signal }) {
    const requests = maps.map((logits) => ({ logits, height: side, width: side }));
    return compute("finish", [requests, size, { maxHoleArea, maxSprinkleArea }], { signal });
  },
};
