import type { MessagePort } from "node:worker_threads";
import { decodeGroups, promptsAtOnce } from "../decoder/decode-groups.js";
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
import type { ProposeClicks } from "./network-clicks.js";
import { sentPort } from "./sent-port.js";

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

/**
 * Proposes by clicks on the inference thread, group by group, so that others get their turn in between. The logits go from there
 * straight to the thread that finishes them. `size`: of the image embedding.
 */
export function proposeThere(size: { readonly width: number; readonly side: number }): ProposeClicks {
  // A point and the padding point.
  const atOnce = promptsAtOnce(2, size);
  return async function* (image, photo, { points, ...clicks }, signal) {
    const { handle } = image as OnnxPreparedImage;
    const ports: MessagePort[] = [];
    try {
      for (let start = 0; start < points.length; start += atOnce) {
        const group = { ...clicks, points: points.slice(start, start + atOnce) };
        const { port } = await sentPort((port) =>
          inference("propose", [handle, photo, group, port], { transfer: [port], priority: "bulk", signal }),
        );
        ports.push(port);
      }
      yield { kind: "sent", ports: ports.splice(0) };
    } finally {
      for (const port of ports) port.close();
    }
  };
}
