import {
  defaultCacheDir,
  type Engine,
  type RecognisedCheckpoint,
  recogniseCheckpoint,
} from "../engine/index.js";
import { shownValue, UnSAMError } from "../errors.js";
import { type PartOption, readModelConfig } from "../models/index.js";
import { withoutUndefined } from "../options.js";
import { KNOWN_MODELS } from "../store/index.js";
import { MODEL_FAMILIES } from "./families.js";
import { type FetchOptions, withFile } from "./fetch-model.js";
import type { AskedModel, CheckpointFile, ModelFamily, OpenOptions } from "./model-family.js";

/** A checkpoint to load (docs/checkpoints.md). */
export interface CheckpointModel {
  /**
   * A `.pt` or `.safetensors` file, the index of one in shards (`model.safetensors.index.json`), or its folder; or a file to
   * fetch, `hf:owner/repository/file#revision` or an `https:` URL (docs/models.md).
   */
  readonly checkpoint: string;
  /** A JSON file or its content (keys of the official YAML). Official sizes are recognised and need none. */
  readonly config?: string | object | undefined;
  /** Which weights to take where the checkpoint holds those of several models: the key they lie under, as "ema". */
  readonly weights?: string | undefined;
}

export type OpenModelOptions = FetchOptions & {
  readonly [Key in keyof OpenOptions]?: OpenOptions[Key] | undefined;
} & {
  /** Families beside those of the package; they are asked first, in their order. */
  readonly families?: readonly ModelFamily[] | undefined;
};

const NOT_SAID = { device: "auto", encoder: "auto", decoder: "auto", precision: "float32" } as const;

/**
 * The one door to a model: fetches it where it is a name to fetch, finds the family of what is asked for, and opens it.
 * Throws `E_BAD_OPTION` for a name that does not exist, `E_UNSUPPORTED` for an option that the family has no use for,
 * `E_BAD_CHECKPOINT`, `E_BAD_CONFIG`, `E_RUNTIME`, `E_DOWNLOAD`, `E_OFFLINE`, `E_IO`, or the reason of `signal`.
 */
export async function openModel(
  model: string | CheckpointModel,
  { families: own = [], offline, onProgress, ...given }: OpenModelOptions = {},
): Promise<Engine> {
  const families = [...own, ...MODEL_FAMILIES];
  checkNames(families);
  const { cacheDir, signal } = given;
  const isOwn = own.some(({ name }) => name === model);
  const local: string | CheckpointModel = isOwn
    ? model
    : await withFile(model, { cacheDir, offline, onProgress, signal });
  const asked = await askedModel(local, families, signal);
  try {
    return await openAs(await familyOf(asked, families), asked, given);
  } finally {
    asked.close();
  }
}

async function openAs(
  family: ModelFamily,
  asked: AskedModel,
  given: Omit<OpenModelOptions, "families" | keyof FetchOptions>,
): Promise<Engine> {
  const { signal } = given;
  const { device, encoder, decoder, precision } = { ...NOT_SAID, ...withoutUndefined(given) };
  checkOptions(family, asked, { device, encoder, decoder, precision });
  signal?.throwIfAborted();
  return family.open(asked, {
    device,
    encoder,
    decoder,
    precision,
    threads: given.threads,
    cacheDir: given.cacheDir ?? defaultCacheDir(),
    signal,
  });
}

/** Engines and errors go by the name of a family. */
function checkNames(families: readonly ModelFamily[]): void {
  const names = families.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice === undefined) return;
  throw new UnSAMError(
    "E_BAD_OPTION",
    `There are two model families ${shownValue(twice)}; name yours otherwise.`,
  );
}

async function askedModel(
  model: string | CheckpointModel,
  families: readonly ModelFamily[],
  signal: AbortSignal | undefined,
): Promise<AskedModel & { close(): void }> {
  if (typeof model === "string") {
    return { name: model, checkpoint: null, network: async () => null, close: () => {} };
  }
  const { checkpoint: path, weights } = model;
  const checkpoint: CheckpointFile = {
    path,
    config: await readModelConfig(model.config, { signal }),
    weights,
  };
  const modules = [...new Set(families.flatMap(({ network }) => network ?? []))];
  let network: Promise<RecognisedCheckpoint> | null = null;
  return {
    name: null,
    checkpoint,
    network: () => {
      network ??= recogniseCheckpoint({ checkpoint: path, weights, signal }, modules);
      return network;
    },
    // Nobody needs to wait for that.
    close: () => {
      network?.then(({ handle }) => handle.release()).catch(() => {});
    },
  };
}

async function familyOf(asked: AskedModel, families: readonly ModelFamily[]): Promise<ModelFamily> {
  for (const family of families) if (await family.recognise(asked)) return family;
  if (asked.name === null) {
    throw new UnSAMError(
      "E_BAD_CHECKPOINT",
      `${asked.checkpoint?.path} is of no family of models that is known here.`,
    );
  }
  const names = families
    .filter(({ capabilities }) => capabilities.weights !== "checkpoint")
    .map(({ name }) => `"${name}"`);
  const fetched = KNOWN_MODELS.map(({ name }) => `"${name}"`);
  throw new UnSAMError(
    "E_BAD_OPTION",
    `There is no model ${shownValue(asked.name)}; give ${[...names, ...fetched].join(", ")}, ` +
      `"hf:owner/repository/file", "https://…" or { checkpoint: "file.pt", config?, weights? }.`,
  );
}

/** What is not said of a model that has no part that could do it. Throws `E_UNSUPPORTED`. */
function checkOptions(
  { capabilities }: ModelFamily,
  asked: AskedModel,
  options: Pick<OpenOptions, PartOption>,
): void {
  const cannot = Object.entries(options)
    .filter(
      ([option, value]) => value !== NOT_SAID[option as PartOption] && value !== "auto" && value !== "cpu",
    )
    .filter(([option]) => !capabilities.options.includes(option as PartOption))
    .map(([option, value]) => `${option}: "${value}"`);
  if (cannot.length === 0) return;
  const which = cannot.length === 1 ? "it" : "them";
  throw new UnSAMError(
    "E_UNSUPPORTED",
    `The model ${shownValue(asked.name ?? asked.checkpoint?.path)} has no part that could do ${cannot.join(", ")}; leave ${which} out.`,
  );
}
