export { type FFmpeg, ffmpegVersion, findFFmpeg } from "./find-ffmpeg.js";
export { VideoFile, type VideoFileOptions } from "./video-file.js";
export { type FrameToWrite, type VideoToWrite, writeVideo } from "./write-video.js";
