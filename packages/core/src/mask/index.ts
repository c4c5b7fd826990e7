export * from "./mask.js";
