// The networks of a video with random weights of a published size, in the addon and on ONNX Runtime.
import { openNativeEncoder } from "../dist/encoder/index.js";
import { officialConfig, sam2Model, WeightView } from "../dist/models/index.js";
import { openSession } from "../dist/runtime/index.js";
import { JoinedVideoNetwork, openNativeFrameDecoder, openNativeMemory } from "../dist/video/index.js";
import { OnnxFrameDecoder } from "../dist/video/onnx-frame-decoder.js";
import { OnnxMemoryNetwork } from "../dist/video/onnx-memory-network.js";

/** What the model asks about before it says which shapes it wants (SAM 2.1). */
const TOLD = {
  maskmem_tpos_enc: [7, 1, 1, 64],
  "memory_encoder.out_proj.weight": [64, 256, 1, 1],
  "obj_ptr_tpos_proj.weight": [64, 256],
  no_obj_embed_spatial: [1, 64],
};
for (let i = 0; i < 4; i++) TOLD[`memory_attention.layers.${i}.linear1.weight`] = [2048, 256];
for (let i = 0; i < 2; i++) {
  TOLD[`memory_encoder.fuser.layers.${i}.gamma`] = [256];
  TOLD[`memory_encoder.fuser.layers.${i}.pwconv1.weight`] = [1024, 256];
}

/** Every tensor that is asked for, with random numbers that keep activations in range. */
class RandomWeights extends WeightView {
  #shapes = new Map();
  constructor() {
    super({
      tensors: new Map(Object.entries(TOLD).map(([name, shape]) => [name, { shape }])),
      read: () => {},
    });
  }
  afresh() {
    return new RandomWeights();
  }
  get required() {
    return this.#shapes;
  }
  check() {}
  tensor(name, shape) {
    this.#shapes.set(name, shape);
    return { name, shape, load: async () => numbers(name, shape) };
  }
  async read(name) {
    const shape = this.#shapes.get(name);
    return { data: numbers(name, shape), shape };
  }
}

function numbers(name, shape) {
  const count = shape.reduce((product, side) => product * side, 1);
  if (shape.length === 1 && name.endsWith(".weight")) return new Float32Array(count).fill(1);
  return randomValues(count, name.length, shape.length === 1 ? 0.1 : 1.5 / Math.sqrt(count / shape[0]));
}

/** Uniform in [−scale, scale), the same in every run. */
export function randomValues(count, seed, scale = 1) {
  let state = seed | 1;
  return Float32Array.from({ length: count }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (scale * state) / 2 ** 31;
  });
}

/** `kind`: "native" or "onnx". */
export async function openNetwork(model, kind, binding, threads) {
  const video = model.video();
  const open = (bytes) => openSession(bytes, { threads });
  if (kind === "onnx") {
    return JoinedVideoNetwork.open(model, video, {
      memory: () => OnnxMemoryNetwork.open(video, open),
      decoder: () => OnnxFrameDecoder.open(model, video, open),
    });
  }
  return JoinedVideoNetwork.open(model, video, {
    memory: () => openNativeMemory(binding, video.memorySource, threads),
    decoder: async () => openNativeFrameDecoder(binding, await model.decoderWeights(), threads),
  });
}

export function randomModel(size) {
  return sam2Model("sam2", officialConfig(size), new RandomWeights(), null);
}

export function openEncoder(model, binding, threads) {
  return openNativeEncoder(binding, model.encoderSource, model.features, { threads });
}
