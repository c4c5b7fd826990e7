// The words of the command line, apart from what they name: they are listed and checked before any of it is loaded.
import type { Measures } from "./metrics/measures.js";

/** Methods that need no weights, as `openMethod` knows them. */
export const BASELINES = ["otsu", "felzenszwalb", "region-tree"] as const;
export type Baseline = (typeof BASELINES)[number];

/** Names of `--metrics`, beside the clicks that are always scored. */
export const OPTIONAL_METRICS = [
  "interactive",
  "recall",
  "boundary",
  "partition",
] as const satisfies readonly (keyof Measures)[];

/** `development`: to choose settings on. `report`: to report figures of, and to choose nothing on. */
export const HALVES = ["development", "report", "all"] as const;
export type Half = (typeof HALVES)[number];
