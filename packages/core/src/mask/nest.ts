import { computeThreads } from "../runtime/threads.js";
import { Mask } from "./mask.js";

const worker = computeThreads().bind<typeof import("./nesting.worker.js")>(
  new URL("./nesting.worker.js", import.meta.url),
  "interactive",
);

/** `nestMasks` on a compute thread, for masks of one image from fine to coarse. Rejects with the signal's reason. */
export async function nest(masks: readonly Mask[], signal?: AbortSignal): Promise<Mask[]> {
  const nested = await worker("nest", [masks.map(({ words }) => words)], { signal });
  return nested.map((words, i) => new Mask(masks[i].width, masks[i].height, words));
}
