import type { LazyTensor } from "../../graph/index.js";

/**
 * A trunk's position embedding for a map of `side` × `side` tokens, in the token layout [side · side, channels]: the
 * background map [1, channels, h, w] resized bicubically, plus, where there is one, the window map [1, channels, t, t]
 * tiled over it (Bolya et al. 2023, "Window attention is bugged").
 */
export function positionEmbedding(
  background: LazyTensor,
  window: LazyTensor | null,
  side: number,
): LazyTensor {
  const [, channels, height, width] = background.shape;
  const tile = window?.shape[2] ?? 1;
  return {
    name: "image_encoder.trunk.position_embedding",
    shape: [side * side, channels],
    load: async () => {
      const map = await background.load();
      const tiled = (await window?.load()) ?? new Float32Array(channels);
      const rows = cubicTaps(height, side);
      const columns = cubicTaps(width, side);
      const result = new Float32Array(side * side * channels);
      const stretched = new Float64Array(height * side);
      for (let c = 0; c < channels; c++) {
        const plane = map.subarray(c * height * width, (c + 1) * height * width);
        for (let y = 0; y < height; y++) {
          for (let x = 0; x < side; x++) {
            let sum = 0;
            for (const { index, weight } of columns[x]) sum += weight * plane[y * width + index];
            stretched[y * side + x] = sum;
          }
        }
        for (let y = 0; y < side; y++) {
          for (let x = 0; x < side; x++) {
            let sum = tiled[(c * tile + (y % tile)) * tile + (x % tile)];
            for (const { index, weight } of rows[y]) sum += weight * stretched[index * side + x];
            result[(y * side + x) * channels + c] = sum;
          }
        }
      }
      return result;
    },
  };
}

interface Tap {
  readonly index: number;
  readonly weight: number;
}

/** Keys' cubic kernel as PyTorch has it: a = −0.75, half-pixel centres, border repeated, no antialiasing. */
function cubicTaps(from: number, to: number): readonly (readonly Tap[])[] {
  const a = -0.75;
  const near = (t: number): number => ((a + 2) * t - (a + 3)) * t * t + 1;
  const far = (t: number): number => ((a * t - 5 * a) * t + 8 * a) * t - 4 * a;
  return Array.from({ length: to }, (_, position) => {
    const centre = ((position + 0.5) * from) / to - 0.5;
    const floor = Math.floor(centre);
    const t = centre - floor;
    return [far(1 + t), near(t), near(1 - t), far(2 - t)].map((weight, tap) => ({
      index: Math.min(from - 1, Math.max(0, floor - 1 + tap)),
      weight,
    }));
  });
}
