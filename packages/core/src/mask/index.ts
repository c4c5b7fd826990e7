export * from "./bounding-box.js";
export * from "./finish.js";
export * from "./mask.js";
