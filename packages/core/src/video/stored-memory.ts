/** A memory [n, m] at rest: bfloat16 as its upper halves of float32, as the official predictor stores it, or float32. */
export type StoredMemory = Uint16Array | Float32Array;

export function storeMemory(values: Float32Array, precision: "bfloat16" | "float32"): StoredMemory {
  if (precision === "float32") return values.slice();
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const stored = new Uint16Array(values.length);
  // To the nearest, of two equally near the even one.
  for (let i = 0; i < bits.length; i++) stored[i] = (bits[i] + 0x7fff + ((bits[i] >>> 16) & 1)) >>> 16;
  return stored;
}

export function readMemory(stored: StoredMemory, target: Float32Array): void {
  if (stored instanceof Float32Array) {
    target.set(stored);
    return;
  }
  const bits = new Uint32Array(target.buffer, target.byteOffset, target.length);
  for (let i = 0; i < stored.length; i++) bits[i] = stored[i] << 16;
}
