import { openCheckpoint, type TensorInfo } from "@unsam/core/checkpoint";
import { UnSAMError } from "@unsam/core/errors";
import { resolveModel } from "@unsam/core/models";
import { elementCount } from "@unsam/core/tensor";
import { readConfig } from "./load-options.js";

/** What a checkpoint holds. */
export interface CheckpointReport {
  readonly path: string;
  readonly format: "pt" | "safetensors";
  readonly byteLength: number;
  /** SHA-256 of the file. */
  readonly fingerprint: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly parameters: number;
  readonly dtypes: readonly string[];
  readonly tensors: readonly TensorInfo[];
  /** One sentence on the model, or null where the tensors form none that we run. */
  readonly model: string | null;
  /** Why not. */
  readonly problem: string | null;
}

/** Reads a checkpoint's directory; no tensor is loaded. Throws `E_BAD_CHECKPOINT` for a file that is none. */
export async function inspectCheckpoint(
  path: string,
  options: { config?: string | object | undefined; signal?: AbortSignal | undefined } = {},
): Promise<CheckpointReport> {
  const config = typeof options.config === "string" ? await readConfig(options.config) : options.config;
  await using checkpoint = await openCheckpoint(path, options.signal ? { signal: options.signal } : {});
  const tensors = [...checkpoint.tensors.values()];
  let model: string | null = null;
  let problem: string | null = null;
  try {
    model = resolveModel(checkpoint, config).description;
  } catch (error) {
    if (!(error instanceof UnSAMError)) throw error;
    problem = error.message;
  }
  return {
    path,
    format: checkpoint.format,
    byteLength: checkpoint.byteLength,
    fingerprint: await checkpoint.fingerprint(options.signal),
    metadata: checkpoint.metadata,
    parameters: tensors.reduce((sum, { shape }) => sum + elementCount(shape), 0),
    dtypes: [...new Set(tensors.map(({ dtype }) => dtype))],
    tensors,
    model,
    problem,
  };
}
