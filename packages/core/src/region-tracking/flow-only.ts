import type { FoundMotion } from "./find-motion.js";
import { findMotion } from "./find-motion.js";
import { type Coverage, coverageLevels, type FrameLook } from "./look.js";
import { IDENTITY, inverse } from "./similarity.js";
import { sampledCoverage } from "./warp.js";

/** A baseline: what is covered in one look, carried to the next by its motion alone. */
export function flowOnly(from: FrameLook, coverage: Coverage, to: FrameLook): Coverage {
  const levels = coverageLevels(coverage, to.levels);
  const found: FoundMotion = findMotion(from, levels, to, { guess: IDENTITY, reach: 32 });
  const { width, height } = to.levels[0];
  const data = sampledCoverage(coverage, inverse(found.motion), { x0: 0, y0: 0, x1: width, y1: height });
  return { width, height, data };
}
