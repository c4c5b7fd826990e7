export type { VideoInput } from "./frame-source.js";
export { type TrackedFrame, Video } from "./video.js";
export { type PromptOptions, type TrackedMask, VideoObject } from "./video-object.js";
export type { TrackOptions, VideoOptions } from "./video-options.js";
