export * from "./graph.js";
export * from "./operators.js";
export type { Dim, Shape } from "./shape.js";
export * from "./write-model.js";
