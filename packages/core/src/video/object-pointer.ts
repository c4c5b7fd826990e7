import type { VideoTensors } from "../models/index.js";

/**
 * Output token of a mask [d] → object pointer [d]: linear layers with ReLU between them, 0.2 million multiplications. Sums are
 * doubles.
 */
export function objectPointer(token: Float32Array, layers: VideoTensors["pointer"]): Float32Array {
  let values = token;
  layers.forEach(({ weight, bias }, index) => {
    const inputs = values;
    const width = inputs.length;
    const least = index < layers.length - 1 ? 0 : Number.NEGATIVE_INFINITY;
    values = bias.map((start, row) => {
      let sum = start;
      for (let i = 0; i < width; i++) sum += weight[row * width + i] * inputs[i];
      return Math.max(least, sum);
    });
  });
  return values;
}
