import { computeThreads } from "../runtime/index.js";

/** The steps of a run over tiles, on a thread of their own. */
export const tileMerging = computeThreads().bind<typeof import("./tiles.worker.js")>(
  new URL("./tiles.worker.js", import.meta.url),
  "bulk",
);
