export * from "./ffmpeg.js";
export * from "./local-hub.js";
export * from "./parity.js";
export * from "./random.js";
export * from "./shared.js";
