import { openCheckpoint, type TensorInfo } from "@unsam/core/checkpoint";
import { UnSAMError } from "@unsam/core/errors";
import { type ModelFamily, networksOf } from "@unsam/core/families";
import {
  type FoundWeights,
  findModelWeights,
  modelWeightPlaces,
  readModelConfig,
  resolveModel,
  type WeightPlace,
} from "@unsam/core/models";
import { checkKeys } from "@unsam/core/options";
import { elementCount } from "@unsam/core/tensor";

/** What a checkpoint holds. */
export interface CheckpointReport {
  readonly path: string;
  readonly format: "pt" | "safetensors";
  /** Of the file, or of all shards. */
  readonly byteLength: number;
  /** Names of the shards; empty where the checkpoint is one file. */
  readonly shards: readonly string[];
  /** SHA-256 of the file; of shards that of their names and SHA-256. */
  readonly fingerprint: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** Where weights of a model lie: what the option `weights` may say. */
  readonly places: readonly WeightPlace[];
  /** Key of the place that is looked at; null where none was found, or several were and none was asked for. */
  readonly weights: string | null;
  /** Numbers in `tensors`. */
  readonly parameters: number;
  readonly dtypes: readonly string[];
  /** The model's tensors under their official names; all of the checkpoint under their full names where `weights` is null. */
  readonly tensors: readonly TensorInfo[];
  /** How many tensors there are beside those. */
  readonly otherTensors: number;
  /** One sentence on the model, or null where the tensors form none that we run. */
  readonly model: string | null;
  /** Why not. */
  readonly problem: string | null;
}

export interface InspectOptions {
  readonly config?: string | object | undefined;
  readonly weights?: string | undefined;
  /** Model families of your own, asked before the package's, as in `UnSAM.load`. Those with an engine of their own know no tensors. */
  readonly families?: readonly ModelFamily[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads a checkpoint's directory; no tensor is loaded. Throws `E_BAD_CHECKPOINT` for a file that is none, `E_BAD_CONFIG`,
 * `E_BAD_OPTION` for `weights` that are not in it.
 */
export async function inspectCheckpoint(
  path: string,
  options: InspectOptions = {},
): Promise<CheckpointReport> {
  checkKeys(options, ["config", "weights", "families", "signal"], "inspectCheckpoint");
  const { signal, weights } = options;
  const families = await networksOf(options.families ?? []);
  const config = await readModelConfig(options.config, { signal });
  await using checkpoint = await openCheckpoint(path, { signal });
  let found: FoundWeights | null = null;
  let model: string | null = null;
  let problem: string | null = null;
  try {
    found = findModelWeights(checkpoint, weights, families);
    model = resolveModel(checkpoint, config, weights, families).description;
  } catch (error) {
    if (!UnSAMError.isInstance(error) || error.code === "E_BAD_OPTION") throw error;
    problem = error.message;
  }
  const all = [...checkpoint.tensors.values()].map(plainInfo);
  const tensors = found
    ? [...found.tensors].map(([name, info]) => plainInfo({ ...(info as TensorInfo), name }))
    : all;
  return {
    path,
    format: checkpoint.format,
    byteLength: checkpoint.byteLength,
    shards: checkpoint.shards,
    fingerprint: await checkpoint.fingerprint(signal),
    metadata: checkpoint.metadata,
    places: modelWeightPlaces(checkpoint, families),
    weights: found?.place.key ?? null,
    parameters: tensors.reduce((sum, { shape }) => sum + elementCount(shape), 0),
    dtypes: [...new Set(tensors.map(({ dtype }) => dtype))],
    tensors,
    otherTensors: all.length - tensors.length,
    model,
    problem,
  };
}

/** Without what only the reader needs. */
function plainInfo({ name, dtype, shape, isReadable }: TensorInfo): TensorInfo {
  return { name, dtype, shape, isReadable };
}
