export * from "./merge-patches.js";
