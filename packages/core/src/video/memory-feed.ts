import type { MemoryChoice } from "./memory-choice.js";
import { readMemory } from "./stored-memory.js";
import type { FrameResult } from "./tracked-object.js";
import type { MemoryFeed, VideoNetwork } from "./video-network.js";

const TEMPERATURE = 10000;

/** The memories and pointers that were chosen for a frame as the arrays that the network takes. */
export function memoryFeed(
  { memories, pointers, longestTime }: MemoryChoice<FrameResult>,
  { rules, tensors }: Pick<VideoNetwork, "rules" | "tensors">,
): MemoryFeed {
  const { width, memoryWidth } = rules;
  const size = (rules.imageSize / 16) ** 2 * memoryWidth;
  const memory = new Float32Array(memories.length * size);
  const times = new Float32Array(memories.length * memoryWidth);
  memories.forEach(({ result, row }, i) => {
    readMemory(result.memory, memory.subarray(i * size, (i + 1) * size));
    times.set(tensors.memoryTimes.subarray(row * memoryWidth, (row + 1) * memoryWidth), i * memoryWidth);
  });
  // A pointer is read as tokens of neighbouring channels, which all have its time.
  const joined = new Float32Array(pointers.length * width);
  const pointerTimes = new Float32Array(joined.length);
  pointers.forEach(({ result, time }, i) => {
    joined.set(result.pointer, i * width);
    const row = pointerTime(time / longestTime, width, memoryWidth, tensors.pointerTime);
    for (let at = 0; at < width; at += memoryWidth) pointerTimes.set(row, i * width + at);
  });
  return { memory, times, pointers: joined, pointerTimes };
}

/** Sines, then cosines of the time, through a linear layer; zeros for a model whose pointers have no time. */
function pointerTime(
  time: number,
  width: number,
  memoryWidth: number,
  layer: VideoNetwork["tensors"]["pointerTime"],
): Float32Array {
  const result = new Float32Array(memoryWidth);
  if (layer === null) return result;
  const half = width / 2;
  const encoded = new Float32Array(width);
  for (let i = 0; i < half; i++) {
    const phase = Math.fround(time) / TEMPERATURE ** ((2 * Math.floor(i / 2)) / half);
    encoded[i] = Math.sin(phase);
    encoded[half + i] = Math.cos(phase);
  }
  for (let row = 0; row < memoryWidth; row++) {
    let sum = layer.bias[row];
    for (let i = 0; i < width; i++) sum += layer.weight[row * width + i] * encoded[i];
    result[row] = sum;
  }
  return result;
}
