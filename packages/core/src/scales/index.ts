export { familyGranularities } from "./family-granularity.js";
export * from "./persistent-scales.js";
