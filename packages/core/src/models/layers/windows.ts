import { padEnd, reshape, slice, transpose, type Value } from "../../graph/index.js";

/** [side², c] → [windows, window, window, c], zeros at the bottom and right; window 0: one window holds the map. */
export function splitWindows(tokens: Value, side: number, window: number): Value {
  const width = tokens.shape[1];
  if (window === 0) return reshape(tokens, [1, side, side, width]);
  const across = Math.ceil(side / window);
  const missing = across * window - side;
  const padded = padEnd(reshape(tokens, [side, side, width]), [missing, missing, 0]);
  const tiles = transpose(reshape(padded, [across, window, across, window, width]), [0, 2, 1, 3, 4]);
  return reshape(tiles, [across * across, window, window, width]);
}

/** [windows, window², c] → [side², c], what lies beyond the map cut off. */
export function joinWindows(attended: Value, window: number, side: number): Value {
  const width = attended.shape[2];
  const across = Math.sqrt(Number(attended.shape[0]));
  const whole = across * window;
  let map = attended;
  if (across > 1)
    map = transpose(reshape(attended, [across, across, window, window, width]), [0, 2, 1, 3, 4]);
  map = reshape(map, [whole, whole, width]);
  for (const axis of [0, 1]) if (side < whole) map = slice(map, axis, 0, side);
  return reshape(map, [side * side, width]);
}
