export { flowOnly } from "./flow-only.js";
export { type Followed, firstSight, follow, frameBuffers, type Sight, type TreeFrame } from "./follow.js";
export { type Coverage, coverageOf, type FrameLook, lookBytes, lookOf } from "./look.js";
export { type RegionPrompt, type RegionResult, RegionTracker } from "./tracker.js";
