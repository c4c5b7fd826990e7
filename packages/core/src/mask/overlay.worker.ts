import { move } from "../runtime/move.js";
import { type OverlayJob, paintOverlay } from "./overlay-paint.js";

/** Compute thread: the painted photo, [height, width, 3]. */
export function paint(job: OverlayJob) {
  const painted = paintOverlay(job);
  return move(painted, painted);
}
