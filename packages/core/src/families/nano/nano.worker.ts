import { openAddon } from "@unsam/native-cuda";
import { openCheckpoint } from "../../checkpoint/index.js";
import { UnSAMError } from "../../errors.js";
import type { RgbImage } from "../../image/rgb-image.js";
import { NANO_MARK, nanoEncoder, nanoInput, WeightView } from "../../models/index.js";
import { labPlanes, workingImage } from "../../region-tree/index.js";
import { keep, move } from "../../runtime/index.js";
import type { CueNetwork, NanoWeights } from "./cue-network.js";
import { openNativeNetwork } from "./native-network.js";

// The inference thread's side of the nano model. ONNX Runtime is loaded only where it is to compute the network.

export interface OpenNano {
  readonly threads: number | undefined;
  /** Path of the addon that computes the network; null: ONNX Runtime does. */
  readonly addon: string | null;
}

/** Throws `E_BAD_CHECKPOINT`, `E_RUNTIME`. */
export async function open(path: string, options: OpenNano) {
  const { weights, fingerprint } = await readWeights(path);
  const network = await openNetwork(weights, options);
  const model = keep(network, {
    gone: "This model was disposed; load it again.",
    release: () => network.release(),
  });
  return { model, fingerprint };
}

/** The weights whole (they are small), checked. */
async function readWeights(path: string): Promise<{ weights: NanoWeights; fingerprint: string }> {
  const checkpoint = await openCheckpoint(path);
  try {
    if (!checkpoint.tensors.has(NANO_MARK)) {
      throw new UnSAMError("E_BAD_CHECKPOINT", `${path} holds no nano model: ${NANO_MARK} is missing.`);
    }
    const view = new WeightView(checkpoint);
    nanoEncoder(view, { width: 32, height: 32 });
    view.check();
    const weights = new Map<string, { data: Float32Array; shape: readonly number[] }>();
    for (const name of view.required.keys()) weights.set(name, await checkpoint.read(name));
    return { weights, fingerprint: await checkpoint.fingerprint() };
  } finally {
    await checkpoint.close();
  }
}

async function openNetwork(weights: NanoWeights, { threads, addon }: OpenNano): Promise<CueNetwork> {
  if (addon !== null) return openNativeNetwork(openAddon(addon), weights, threads);
  const { OnnxNetwork } = await import("./onnx-network.js");
  return new OnnxNetwork(weights, threads);
}

/** What the network sees in a photo, on the image the region tree is built on. */
export async function look(network: CueNetwork, image: RgbImage) {
  const working = workingImage(image);
  const cues = await network.look(nanoInput(labPlanes(working), working.width, working.height));
  return move(cues, cues.border, cues.height, cues.metric);
}
