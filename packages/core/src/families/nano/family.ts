import { NANO_WEIGHTS } from "@unsam/model-nano";
import type { NativeBinding } from "@unsam/native-cuda";
import {
  type Engine,
  encoderReason,
  loadAddon,
  nativeStatus,
  TREE_CAPABILITIES,
  TREE_REASONS,
  TREE_TRAITS,
  TreeEngine,
  treeKernels,
} from "../../engine/index.js";
import { LEARNED_RECIPE, REGION_TREE_RECIPE } from "../../region-tree/index.js";
import { inferenceThread } from "../../runtime/index.js";
import type { ModelFamily, OpenOptions } from "../model-family.js";

const thread = inferenceThread().bind<typeof import("./nano.worker.js")>(
  new URL("./nano.worker.js", import.meta.url),
  "bulk",
);

/**
 * The region tree, grown by what a small trained network sees beside the tree's own cues. Answers are nodes of the tree:
 * connected, nested, growing with the granularity. The network is computed by the addon or, where there is none, ONNX Runtime.
 */
export const nano = {
  name: "nano",
  capabilities: { ...TREE_CAPABILITIES, weights: "packaged", options: ["encoder"] },
  recognise: ({ name }) => name === "nano",
  open: (_asked, options) => openNano(options),
} as const satisfies ModelFamily;

async function openNano({ encoder: wanted, threads, cacheDir, signal }: OpenOptions): Promise<Engine> {
  // There is no decoder that could be native.
  const native = await nativeStatus({ encoder: wanted, decoder: "onnx", cacheDir });
  const addon = native?.binding ? native.path : null;
  const encoder = addon === null ? "onnx" : "native";
  // Trees are the same bits wherever they are grown, so that is no matter of what was asked for the encoder.
  const fits = ({ regionTreeRecipe, learnedRecipe }: NativeBinding) =>
    regionTreeRecipe === REGION_TREE_RECIPE && learnedRecipe === LEARNED_RECIPE;
  const { kernels, reason } = treeKernels(native ?? (await loadAddon(cacheDir)), fits, threads);
  const { model, fingerprint } = await thread("open", [NANO_WEIGHTS, { threads, addon }], { signal });
  return new TreeEngine(
    {
      ...TREE_TRAITS,
      encoder,
      name: "nano",
      family: "nano",
      description:
        "The region tree with borders and an embedding seen by a small network, trained without labels; official SAM 2.1 or UnSAMv2 weights give better masks.",
      capabilities: nano.capabilities,
      fingerprint: `nano-${REGION_TREE_RECIPE}.${LEARNED_RECIPE}-${fingerprint}`,
      kernels: kernels ? "native" : "typescript",
      reasons: {
        ...TREE_REASONS,
        precision: "The network of nano is computed in float32.",
        encoder: encoderReason({ encoder: wanted, device: "cpu" }, native, encoder),
        kernels: reason,
      },
    },
    threads,
    {
      cues: (image, signal) => thread("look", [model, image], { signal }),
      kernels,
      close: () => model.release(),
    },
  );
}
