export * from "./bounding-box.js";
export * from "./clean-logits.js";
export * from "./components.js";
export * from "./finish.js";
export * from "./mask.js";
export * from "./polygons.js";
export * from "./rle.js";
export * from "./small-regions.js";
