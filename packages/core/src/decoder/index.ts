export * from "./mask-decoder.js";
