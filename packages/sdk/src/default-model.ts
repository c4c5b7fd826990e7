import type { Engine } from "@unsam/core/engine";
import { UnSAMError } from "@unsam/core/errors";

/** The best built-in model, and what stands in for it: that needs nothing but Node. */
export const DEFAULT_MODEL = "nano";
export const STAND_IN = "region-tree";

export interface OpenedModel {
  readonly engine: Engine;
  /** Why this model and not another, one plain sentence. */
  readonly reason: string;
}

/** Opens the model where none was named: the best built-in one that runs here. Throws what `open` throws. */
export async function openDefaultModel(
  open: (model: typeof DEFAULT_MODEL | typeof STAND_IN) => Promise<Engine>,
): Promise<OpenedModel> {
  try {
    return { engine: await open(DEFAULT_MODEL), reason: "It is the default: the best built-in model." };
  } catch (cause) {
    // Only what is missing on this machine; a bad option or an abort is the caller's.
    if (!UnSAMError.isInstance(cause) || cause.code !== "E_RUNTIME") throw cause;
    return {
      engine: await open(STAND_IN),
      reason:
        `It stands in for "${DEFAULT_MODEL}", the default, which runs on ONNX Runtime: install that for better masks ` +
        `(npm i onnxruntime-node --ignore-scripts), or name a model. ${cause.message}`,
    };
  }
}
