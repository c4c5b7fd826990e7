import type { NativeTensor } from "./native-weights.js";

/** Gains of norms are ones, biases small, and what a layer puts out is as large as what it takes. */
export function randomTensor(name: string, shape: readonly number[], random: () => number): NativeTensor {
  const length = shape.reduce((product, size) => product * size, 1);
  if (shape.length === 1 && name.endsWith(".weight"))
    return { shape, data: new Float32Array(length).fill(1) };
  const fanIn = length / shape[0];
  const scale = shape.length === 1 ? 0.1 : 1 / Math.sqrt(fanIn);
  return { shape, data: Float32Array.from({ length }, () => scale * random()) };
}

/** Uniform in [−1, 1) (xorshift32). */
export function randomNumbers(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state / 2 ** 31;
  };
}
