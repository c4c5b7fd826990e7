export * from "./persistent-scales.js";
