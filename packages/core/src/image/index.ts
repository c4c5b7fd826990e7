export * from "./rgb-image.js";
