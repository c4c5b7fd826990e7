import type {
  DecodeOptions,
  ImageFeatures,
  MaskDecoder,
  NetworkPrompt,
  PreparedImage,
} from "../decoder/index.js";
import { inferenceThread } from "../runtime/index.js";

const network = inferenceThread().bind<typeof import("./network.worker.js")>(
  new URL("./network.worker.js", import.meta.url),
);

class OnnxPreparedImage implements PreparedImage {
  readonly id: number;

  constructor(id: number) {
    this.id = id;
  }

  features(): Promise<ImageFeatures> {
    return network("features", [this.id]);
  }

  dispose(): Promise<void> {
    return network("release", [this.id]);
  }
}

/** The mask decoder of an opened network on ONNX Runtime; the work is done on the inference thread. */
export function onnxDecoder(handle: number): MaskDecoder {
  return {
    kind: "onnx",
    async prepare(features) {
      const arrays = Object.values(features).map(({ data }) => data);
      const transfer = [...new Set(arrays.map((array) => array.buffer as ArrayBuffer))];
      return new OnnxPreparedImage(await network("prepare", [handle, features], { transfer }));
    },
    decode: (image: PreparedImage, prompts: readonly NetworkPrompt[], { multimask, signal }: DecodeOptions) =>
      network("decode", [(image as OnnxPreparedImage).id, prompts, multimask], { signal }),
    // The sessions belong to the opened network and end with it.
    dispose: async () => {},
  };
}
