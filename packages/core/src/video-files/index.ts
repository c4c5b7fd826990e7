export { type FFmpeg, findFFmpeg } from "./find-ffmpeg.js";
export { VideoFile, type VideoFileOptions } from "./video-file.js";
