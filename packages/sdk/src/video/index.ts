export type { VideoInput } from "./frame-source.js";
export type { RenderStyle } from "./render-tracks.js";
export { type OnProgress, TRACK_FORMATS, type TrackFormat } from "./save-tracks.js";
export { type TrackedFrame, Video } from "./video.js";
export { type PromptOptions, type TrackedMask, VideoObject } from "./video-object.js";
export type { RenderOptions, SaveOptions, TrackOptions, VideoOptions } from "./video-options.js";
