import type { Engine, RecognisedCheckpoint } from "../engine/index.js";
import type { ModelCapabilities } from "../models/index.js";

/**
 * A kind of models: how they are recognised, what they can do, how one is opened. The one point where models are added, here
 * or by a user (docs/extending/add-a-model.md).
 */
export interface ModelFamily {
  readonly name: string;
  /** Of all its models. What an opened one can do stands in its `EngineInfo`. */
  readonly capabilities: ModelCapabilities;
  /**
   * For families that are networks written as graphs (`networkFamily`): the module whose default export is the
   * `NetworkFamily`, or a list that holds it.
   */
  readonly network?: string;
  /** Whether the model that is asked for is of this family. */
  recognise(asked: AskedModel): boolean | Promise<boolean>;
  /** Opens it. Rejects with the reason of `signal`. */
  open(asked: AskedModel, options: OpenOptions): Promise<Engine>;
}

/** A checkpoint to open. */
export interface CheckpointFile {
  readonly path: string;
  /** The content of its configuration (JSON); undefined: none was given. */
  readonly config: unknown;
  /** Key of the weights to take, where the file holds those of several models. */
  readonly weights: string | undefined;
}

/** The model that somebody asks for: a name, or a checkpoint. */
export interface AskedModel {
  readonly name: string | null;
  readonly checkpoint: CheckpointFile | null;
  /**
   * The checkpoint, opened on a thread and once, with the family of networks that its tensors are of; null where a name was
   * given. The door closes it. Rejects with `E_BAD_CHECKPOINT` where they are of none, `E_BAD_OPTION`, or the signal's reason.
   */
  network(): Promise<RecognisedCheckpoint | null>;
}

/** How a model is opened. What a family has no use for is at its default: the others were refused. */
export interface OpenOptions {
  /** Where the encoder runs. */
  readonly device: "auto" | "cpu" | "cuda";
  readonly encoder: "auto" | "onnx" | "native";
  /** `"cuda"` and `"cuda:1"`: the native decoder on a device. */
  readonly decoder: "auto" | "onnx" | "native" | "cuda" | `cuda:${number}`;
  readonly precision: "auto" | "float32" | "bfloat16";
  /** undefined: one per core. */
  readonly threads: number | undefined;
  readonly cacheDir: string;
  readonly signal: AbortSignal | undefined;
}

/** Whether a value has the parts of a family of models. */
export function isModelFamily(value: unknown): value is ModelFamily {
  const { name, capabilities, recognise, open } = (value ?? {}) as Partial<ModelFamily>;
  return (
    typeof name === "string" &&
    name !== "" &&
    Array.isArray(capabilities?.options) &&
    typeof recognise === "function" &&
    typeof open === "function"
  );
}
