// A checkpoint of an official size with random weights: as fast or slow as the real one, and free of rights.
import { mkdir, stat } from "node:fs/promises";
import path from "node:path";
import { writeSafetensors } from "@unsam/core/checkpoint";
import { modelTensors, officialConfig } from "@unsam/core/models";
import { elementCount } from "@unsam/core/tensor";

/** Writes it once and returns its path. `size`: "tiny", "small", "base-plus", "large". */
export async function randomCheckpoint(folder, size, { granularity }) {
  const file = path.join(folder, `random-${granularity ? "unsamv2" : "sam2"}-${size}.safetensors`);
  if (await stat(file).catch(() => null)) return file;
  await mkdir(folder, { recursive: true });
  await writeSafetensors(file, tensors(size, granularity));
  return file;
}

function* tensors(size, granularity) {
  const random = generator(7);
  for (const [name, shape] of modelTensors(officialConfig(size), { granularity })) {
    const data = new Float32Array(elementCount(shape));
    // Scaled by the fan-in, so that activations stay in range however deep the network is.
    const scale = 1 / Math.sqrt(Math.max(1, elementCount(shape.slice(1))));
    for (let i = 0; i < data.length; i++) data[i] = (2 * random() - 1) * scale;
    yield { name, dtype: "float32", shape, data };
  }
}

/** Uniform numbers in [0, 1), the same in every run (a 32-bit mixing of a counter). */
function generator(seed) {
  let state = seed;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
}
