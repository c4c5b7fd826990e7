import { Mask } from "@unsam/core/mask";

/** The mask of each label, ascending, made in one pass over the pixels. `labels`: [height, width], from 0 on. */
export function labelMasks(labels: ArrayLike<number>, width: number, height: number): Map<number, Mask> {
  const stride = Math.ceil(width / 32);
  const words = new Map<number, Uint32Array>();
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      let bits = words.get(labels[i]);
      if (!bits) {
        bits = new Uint32Array(stride * height);
        words.set(labels[i], bits);
      }
      bits[y * stride + (x >> 5)] |= 1 << (x & 31);
    }
  }
  const ascending = [...words].sort(([a], [b]) => a - b);
  return new Map(ascending.map(([label, bits]) => [label, new Mask(width, height, bits)]));
}
