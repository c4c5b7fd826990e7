import type { Engine } from "@unsam/core/engine";
import { UnSAMError } from "@unsam/core/errors";
import { DEFAULT_MODEL } from "@unsam/core/names";

/** What stands in for the default: it needs nothing but Node. */
export const STAND_IN = "region-tree";

export interface OpenedModel {
  readonly engine: Engine;
  /** Why this model and not another, one plain sentence. */
  readonly reason: string;
}

/**
 * Opens the model where none was named: the best built-in one that runs here. `encoder`: the one that was asked for, which
 * the stand-in does not have. Throws what `open` throws.
 */
export async function openDefaultModel(
  encoder: "auto" | "onnx" | "native" | undefined,
  open: (model: typeof DEFAULT_MODEL | typeof STAND_IN) => Promise<Engine>,
): Promise<OpenedModel> {
  try {
    return { engine: await open(DEFAULT_MODEL), reason: "It is the default: the best built-in model." };
  } catch (cause) {
    // Only what is missing on this machine; a bad option or an abort is the caller's.
    if (!UnSAMError.isInstance(cause) || cause.code !== "E_RUNTIME") throw cause;
    if (encoder === "onnx" || encoder === "native") throw cause;
    return {
      engine: await open(STAND_IN),
      reason:
        `It stands in for "${DEFAULT_MODEL}", the default, which gives better masks and runs in the native addon or on ONNX ` +
        `Runtime; name a model to choose one. ${cause.message}`,
    };
  }
}
