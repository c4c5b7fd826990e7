import type { LazyTensor } from "../../graph/index.js";

const TEMPERATURE = 10000;

/**
 * The position encoding of a map of `side` × `side` cells as tokens [side², channels]: half of the channels for y, then half
 * for x, sine and cosine in turn (Carion et al. 2020; SAM 2 uses it for frames and memories). Positions count from 1.
 */
export function sinePosition(side: number, channels: number): LazyTensor {
  return {
    name: `sine_position.${side}x${channels}`,
    shape: [side * side, channels],
    load: async () => {
      const half = channels / 2;
      const row = Array.from({ length: side }, (_, cell) => {
        const position = ((cell + 1) / (side + 1e-6)) * 2 * Math.PI;
        return Float32Array.from({ length: half }, (_, i) => {
          const phase = position / TEMPERATURE ** ((2 * Math.floor(i / 2)) / half);
          return i % 2 === 0 ? Math.sin(phase) : Math.cos(phase);
        });
      });
      const result = new Float32Array(side * side * channels);
      for (let y = 0; y < side; y++) {
        for (let x = 0; x < side; x++) {
          const at = (y * side + x) * channels;
          result.set(row[y], at);
          result.set(row[x], at + half);
        }
      }
      return result;
    },
  };
}
