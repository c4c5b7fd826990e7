export * from "./weights.js";
