export type { FrameDecoder } from "./frame-decoder.js";
export { FrameStore, type SpillOptions } from "./frame-store.js";
export { JoinedVideoNetwork } from "./joined-video-network.js";
export { chooseMemories } from "./memory-choice.js";
export type { MemoryKind, MemoryNetwork } from "./memory-network.js";
export { openNativeFrameDecoder } from "./native-frame-decoder.js";
export { openNativeMemory } from "./native-memory-network.js";
export { objectPointer } from "./object-pointer.js";
export { OFFICIAL_TRACKER, type TrackerOptions } from "./options.js";
export type { FrameResult } from "./tracked-object.js";
export {
  type DecoderRun,
  type MaskPrompt,
  type PointPrompt,
  type VideoSize,
  VideoTracker,
} from "./tracker.js";
export type { FrameFeatures, VideoNetwork } from "./video-network.js";
export { masksWithoutOverlap } from "./without-overlap.js";
