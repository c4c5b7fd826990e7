export * from "./local-hub.js";
export * from "./parity.js";
export * from "./shared.js";
