import type { NativeBinding } from "@unsam/native-cuda";
import { hasBfloat16 } from "../encoder/index.js";
import { ASKED } from "./native-status.js";
import type { NetworkOptions } from "./network-options.js";

/** What a network's products multiply, and why, one plain sentence. */
export interface SettledPrecision {
  readonly precision: "float32" | "bfloat16";
  readonly reason: string;
}

/** Settles `precision: "auto"`. `binding` null: ONNX Runtime decodes. */
export function settlePrecision(
  { precision, cudaDevice }: Pick<NetworkOptions, "precision" | "cudaDevice">,
  binding: Pick<NativeBinding, "instructionSet"> | null,
): SettledPrecision {
  if (precision === "bfloat16") return { precision, reason: ASKED };
  if (precision === "float32") {
    return { precision, reason: 'bfloat16 is used only where it is asked for, by its name or by "auto".' };
  }
  if (binding === null) return { precision: "float32", reason: "ONNX Runtime computes in float32." };
  if (typeof cudaDevice === "number") {
    return { precision: "bfloat16", reason: "The CUDA device multiplies in bfloat16." };
  }
  const set = binding.instructionSet();
  return hasBfloat16(binding)
    ? { precision: "bfloat16", reason: `The processor multiplies in bfloat16 (${set}).` }
    : { precision: "float32", reason: `The processor does not multiply in bfloat16 (${set}).` };
}
