import type { NativeBinding } from "@unsam/native-cuda";
import type { NetworkModel } from "#core/models/index.js";
import { openSession } from "#core/runtime/index.js";
import { JoinedVideoNetwork, openNativeFrameDecoder, openNativeMemory } from "#core/video/index.js";
import { OnnxFrameDecoder } from "#core/video/onnx-frame-decoder.js";
import { OnnxMemoryNetwork } from "#core/video/onnx-memory-network.js";

const openOne = (bytes: Uint8Array) => openSession(bytes, { threads: 1 });

/** All of it on ONNX Runtime: the reference. */
export function onnxVideoNetwork(model: NetworkModel): Promise<JoinedVideoNetwork> {
  const video = model.video!();
  return JoinedVideoNetwork.open(model, video, {
    memory: () => OnnxMemoryNetwork.open(video, openOne),
    decoder: () => OnnxFrameDecoder.open(model, video, openOne),
  });
}

/** All of it in the addon. */
export function nativeVideoNetwork(
  model: NetworkModel,
  addon: NativeBinding,
  threads = 1,
): Promise<JoinedVideoNetwork> {
  const video = model.video!();
  return JoinedVideoNetwork.open(model, video, {
    memory: () => openNativeMemory(addon, video.memorySource!, threads),
    decoder: async () => openNativeFrameDecoder(addon, await model.decoderWeights(), threads),
  });
}
