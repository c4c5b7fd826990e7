import { defaultCacheDir } from "@unsam/core/engine";
import { UnSAMError } from "@unsam/core/errors";
import { parseOptions } from "@unsam/core/options";
import {
  type ListedModel,
  listModels as listModelsIn,
  type PulledModel,
  type PullProgress,
  pullModel as pullModelInto,
} from "@unsam/core/store";
import { z } from "zod";

/** A model that is fetched from the Hugging Face hub, or a file from any address (docs/models.md). */
export type ModelName =
  | "sam2.1-tiny"
  | "sam2.1-small"
  | "sam2.1-base-plus"
  | "sam2.1-large"
  | "unsamv2"
  | "unsamv2-plus"
  | `hf:${string}`
  | `https://${string}`;

export interface PullModelOptions {
  /** Is told what comes from where, under which licence, and how far it is. */
  readonly onProgress?: ((progress: PullProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Open no connection: only what is here is found (default: what `UNSAM_OFFLINE` and `HF_HUB_OFFLINE` say). */
  readonly offline?: boolean | undefined;
  /** Ask whether there is a newer file, though there is one already (default false). */
  readonly update?: boolean | undefined;
  /** Compare a file that is here with its SHA-256, and fetch it anew where it differs (default true). */
  readonly verify?: boolean | undefined;
  /** Where files of other addresses than the hub's are kept; default `UNSAM_CACHE`, or the user's cache folder. */
  readonly cacheDir?: string | undefined;
}

const pullSchema = z.strictObject({
  onProgress: z.custom<(progress: PullProgress) => void>((value) => typeof value === "function").optional(),
  signal: z.instanceof(AbortSignal).optional(),
  offline: z.boolean().optional(),
  update: z.boolean().default(false),
  verify: z.boolean().default(true),
  cacheDir: z.string().min(1).optional(),
});

/**
 * Sees to it that a model's file is on this machine, whole, and tells where. Repositories of the hub lie in the Hugging Face
 * cache, where Python's library finds them, too.
 * Throws `E_BAD_OPTION` (a name that does not exist), `E_DOWNLOAD`, `E_OFFLINE`, `E_IO`, or the signal's reason.
 */
export async function pullModel(
  name: ModelName | (string & {}),
  options: PullModelOptions = {},
): Promise<PulledModel> {
  if (typeof name !== "string") {
    throw new UnSAMError("E_BAD_OPTION", `pullModel: the model's name is a ${typeof name}; give a string.`);
  }
  const { cacheDir = defaultCacheDir(), ...rest } = parseOptions(pullSchema, options, "pullModel");
  return pullModelInto(name, { cacheDir, ...rest });
}

const listSchema = z.strictObject({ cacheDir: z.string().min(1).optional() });

/** The models that have names, and which of them are on this machine. Opens no connection. */
export async function listModels(
  options: { readonly cacheDir?: string | undefined } = {},
): Promise<ListedModel[]> {
  const { cacheDir = defaultCacheDir() } = parseOptions(listSchema, options, "listModels");
  return listModelsIn(cacheDir);
}
