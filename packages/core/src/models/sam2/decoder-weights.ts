import type { Tensor } from "../../tensor.js";
import { foldLora } from "../layers/lora.js";
import type { WeightSource } from "../layers/weights.js";

const PARTS = ["sam_prompt_encoder.", "sam_mask_decoder."];

/** All tensors of the prompt encoder and the mask decoder under their official names, LoRA folded in. */
export async function decoderWeights(source: WeightSource): Promise<Map<string, Tensor>> {
  const folded = foldLora(source);
  const weights = new Map<string, Tensor>();
  for (const name of folded.tensors.keys()) {
    if (PARTS.some((part) => name.startsWith(part))) weights.set(name, await folded.read(name));
  }
  return weights;
}
