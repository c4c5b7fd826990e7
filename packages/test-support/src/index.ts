export * from "./parity.js";
export * from "./shared.js";
