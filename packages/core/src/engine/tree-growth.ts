import type { RgbImage } from "../image/index.js";
import type { AddonAt } from "../operations/index.js";
import type { LearnedCues } from "../region-tree/index.js";

/** How an engine's trees are grown. */
export interface TreeGrowth {
  /** What a network sees in the photo; null: nothing does. */
  cues(image: RgbImage, signal: AbortSignal | undefined): Promise<LearnedCues | null>;
  /** The addon; null where TypeScript does it. */
  readonly kernels: AddonAt | null;
  /** Releases what growing needs. */
  close?(): Promise<void>;
}
