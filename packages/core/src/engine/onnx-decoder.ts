import { decodeGroups } from "../decoder/decode-groups.js";
import type {
  DecodedMasks,
  DecodeOptions,
  ImageFeatures,
  MaskDecoder,
  NetworkPrompt,
  PreparedImage,
} from "../decoder/index.js";
import { type Handle, HandleSet, inferenceThread } from "../runtime/index.js";
import type { Network, OnnxImage } from "./network.worker.js";

const inference = inferenceThread().bind<typeof import("./network.worker.js")>(
  new URL("./network.worker.js", import.meta.url),
  "interactive",
);

class OnnxPreparedImage implements PreparedImage {
  readonly handle: Handle<OnnxImage>;

  constructor(handle: Handle<OnnxImage>) {
    this.handle = handle;
  }

  features(): Promise<ImageFeatures> {
    return inference("features", [this.handle]);
  }

  async dispose(): Promise<void> {
    // Nobody needs to wait until the other thread gets to it.
    this.handle.release().catch(() => {});
  }
}

/**
 * The mask decoder of an opened network on ONNX Runtime; the work is done on the inference thread, group by group, so
 * that others get their turn in between. `size`: of the image embedding.
 */
export function onnxDecoder(
  network: Handle<Network>,
  size: { readonly width: number; readonly side: number },
): MaskDecoder {
  const images = new HandleSet<OnnxImage>();
  let isDisposed = false;
  return {
    kind: "onnx",
    async prepare(features) {
      const arrays = Object.values(features).map(({ data }) => data);
      const transfer = [...new Set(arrays.map((array) => array.buffer as ArrayBuffer))];
      const image = await inference("prepare", [network, features], { transfer, priority: "bulk" });
      images.add(image);
      if (isDisposed) await images.releaseAll();
      return new OnnxPreparedImage(image);
    },
    async decode(
      image: PreparedImage,
      prompts: readonly NetworkPrompt[],
      { multimask, priority, signal }: DecodeOptions,
    ): Promise<DecodedMasks[]> {
      const { handle } = image as OnnxPreparedImage;
      const results = new Array<DecodedMasks>(prompts.length);
      for (const group of decodeGroups(prompts, size)) {
        const chosen = group.map((index) => prompts[index]);
        const masks = await inference("decode", [handle, chosen, multimask], { priority, signal });
        group.forEach((index, k) => {
          results[index] = masks[k];
        });
      }
      return results;
    },
    // The sessions belong to the opened network and end with it.
    dispose() {
      isDisposed = true;
      return images.releaseAll();
    },
  };
}
