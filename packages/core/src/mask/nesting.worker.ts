import { move } from "../runtime/move.js";
import { nestMasks } from "./nesting.js";

/** Compute thread: the nearest nested family, fine to coarse. */
export function nest(masks: readonly Uint32Array[]) {
  const nested = nestMasks(masks);
  return move(nested, ...nested);
}
