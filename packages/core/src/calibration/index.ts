export * from "./fit-labels.js";
export * from "./granularity-map.js";
