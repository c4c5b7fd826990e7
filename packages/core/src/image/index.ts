export * from "./decode.js";
export * from "./input.js";
export * from "./png.js";
export * from "./resize.js";
export * from "./rgb-image.js";
