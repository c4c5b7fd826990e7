import { UnSAMError } from "../../errors.js";
import type { Tensor } from "../../tensor.js";
import { unfitForWeights, type WeightInfo, type WeightSource } from "./weights.js";

const ORIGINAL = ".original_layer.";
const FACTOR_A = ".lora_A";
const FACTOR_B = ".lora_B";

/** alpha / r. UnSAMv2 trains with alpha = 2r. */
const SCALING = 2;

interface Folded extends WeightInfo {
  /** Name in the file. */
  readonly original: string;
  /** Prefix of the pair of factors, or null. */
  readonly pair: string | null;
}

/**
 * The checkpoint as if it had been trained without LoRA (Hu et al. 2021, equation 3): `X.original_layer.weight` is read
 * as `X.weight` with (alpha / r) · B · A added. A checkpoint without LoRA passes unchanged.
 * Throws `E_BAD_CHECKPOINT` where the factors do not fit the layer.
 */
export function foldLora(source: WeightSource): WeightSource {
  const tensors = new Map<string, Folded>();
  for (const [name, info] of source.tensors) {
    if (name.endsWith(FACTOR_A) || name.endsWith(FACTOR_B)) continue;
    const plain = name.replace(ORIGINAL, ".");
    if (plain !== name && source.tensors.has(plain)) {
      throw new UnSAMError(
        "E_BAD_CHECKPOINT",
        `The checkpoint holds both ${name} and ${plain}; only one can be right.`,
      );
    }
    tensors.set(plain, { ...infoOf(info), original: name, pair: null });
  }
  for (const name of source.tensors.keys()) {
    const prefix =
      name.endsWith(FACTOR_A) || name.endsWith(FACTOR_B) ? name.slice(0, -FACTOR_A.length) : null;
    if (prefix === null) continue;
    const layer = tensors.get(`${prefix}.weight`);
    const [a, b] = [
      source.tensors.get(prefix + FACTOR_A)?.shape,
      source.tensors.get(prefix + FACTOR_B)?.shape,
    ];
    if (!layer || !a || !b) {
      const missing = !layer ? `${prefix}${ORIGINAL}weight` : prefix + (a ? FACTOR_B : FACTOR_A);
      throw new UnSAMError("E_BAD_CHECKPOINT", `The checkpoint has ${name}, but ${missing} is missing.`);
    }
    const [out, width] = layer.shape;
    const fits = layer.shape.length === 2 && a.length === 2 && b.length === 2;
    if (!fits || a[1] !== width || b[0] !== out || a[0] !== b[1]) {
      throw new UnSAMError(
        "E_BAD_CHECKPOINT",
        `The LoRA factors of ${prefix} do not fit its weight [${layer.shape.join(", ")}]: lora_A is ` +
          `[${a.join(", ")}], expected [r, in]; lora_B is [${b.join(", ")}], expected [out, r].`,
      );
    }
    for (const factor of [prefix + FACTOR_A, prefix + FACTOR_B]) {
      const unfit = unfitForWeights(source.tensors.get(factor)!);
      if (unfit !== null) throw new UnSAMError("E_BAD_CHECKPOINT", `${factor} ${unfit}.`);
    }
    tensors.set(`${prefix}.weight`, { ...layer, pair: prefix });
  }
  return {
    tensors,
    async read(name: string): Promise<Tensor> {
      const folded = tensors.get(name);
      if (!folded) throw new UnSAMError("E_BAD_CHECKPOINT", `The checkpoint has no tensor ${name}.`);
      const weight = await source.read(folded.original);
      if (folded.pair === null) return weight;
      const a = await source.read(folded.pair + FACTOR_A);
      const b = await source.read(folded.pair + FACTOR_B);
      return { shape: weight.shape, data: addProduct(weight, a, b) };
    },
  };
}

/** The parts of an info that are one, whatever else the object holds. */
function infoOf({ shape, dtype, isReadable }: WeightInfo): WeightInfo {
  return {
    shape,
    ...(dtype === undefined ? {} : { dtype }),
    ...(isReadable === undefined ? {} : { isReadable }),
  };
}

/** W + SCALING · B · A, summed in float64. */
function addProduct(weight: Tensor, a: Tensor, b: Tensor): Float32Array {
  const [out, width] = weight.shape;
  const rank = a.shape[0];
  const result = new Float32Array(weight.data.length);
  const row = new Float64Array(width);
  for (let i = 0; i < out; i++) {
    row.fill(0);
    for (let r = 0; r < rank; r++) {
      const factor = b.data[i * rank + r];
      for (let j = 0; j < width; j++) row[j] += factor * a.data[r * width + j];
    }
    for (let j = 0; j < width; j++) result[i * width + j] = weight.data[i * width + j] + SCALING * row[j];
  }
  return result;
}
