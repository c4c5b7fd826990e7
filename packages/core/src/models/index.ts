export * from "./config.js";
export * from "./image-encoder.js";
export * from "./lora.js";
export * from "./weight-view.js";
export * from "./weights.js";
