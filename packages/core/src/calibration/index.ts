export * from "./dial-map.js";
export * from "./fit-labels.js";
