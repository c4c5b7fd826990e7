import { LEARNED_RECIPE, REGION_TREE_RECIPE } from "../region-tree/index.js";
import { inferenceThread } from "../runtime/index.js";
import type { Engine } from "./engine.js";
import { TreeEngine } from "./region-tree-engine.js";

const nano = inferenceThread().bind<typeof import("./nano.worker.js")>(
  new URL("./nano.worker.js", import.meta.url),
  "bulk",
);

export interface NanoOptions {
  /** Path of the weights, `.safetensors`. */
  readonly weights: string;
  /** Of the network; default: one per core. */
  readonly threads: number | undefined;
  readonly signal: AbortSignal | undefined;
}

/**
 * The region tree, grown by what a small trained network sees beside the tree's own cues. Answers are nodes of the tree:
 * connected, nested, growing with the granularity. Throws `E_BAD_CHECKPOINT`, `E_RUNTIME`.
 */
export async function openNanoEngine({ weights, threads, signal }: NanoOptions): Promise<Engine> {
  const { model, fingerprint } = await nano("open", [weights, threads], { signal });
  return new TreeEngine(
    {
      name: "nano",
      kind: "region-tree",
      description:
        "The region tree with borders and an embedding seen by a small network, trained without labels; official SAM 2.1 or UnSAMv2 weights give better masks.",
      granularity: true,
      fingerprint: `nano-${REGION_TREE_RECIPE}.${LEARNED_RECIPE}-${fingerprint}`,
      encoder: "none",
      decoder: "none",
      kernels: "typescript",
    },
    threads,
    {
      cues: (image, signal) => nano("look", [model, image], { signal }),
      kernels: null,
      close: () => model.release(),
    },
  );
}
