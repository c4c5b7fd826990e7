import { defaultCacheDir } from "../engine/index.js";
import { isModelName, type PullProgress, pullModel } from "../store/index.js";

export interface FetchOptions {
  /** Open no connection: a name to fetch is found here, or refused (default: what `UNSAM_OFFLINE` and `HF_HUB_OFFLINE` say). */
  readonly offline?: boolean | undefined;
  /** Is told how far the download of a name is, and before it, under which licence it comes. Other models tell nothing. */
  readonly onProgress?: ((progress: PullProgress) => void) | undefined;
}

/**
 * A model to fetch by its file, which is downloaded where it is not here; any other model as it is.
 * Throws `E_BAD_OPTION`, `E_DOWNLOAD`, `E_OFFLINE`, `E_IO`, or the signal's reason.
 */
export async function withFile<Checkpoint extends { readonly checkpoint: string }>(
  model: string | Checkpoint,
  options: FetchOptions & {
    readonly cacheDir?: string | undefined;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<string | Checkpoint | { readonly checkpoint: string }> {
  const name = nameToFetch(model);
  if (name === null) return model;
  const { cacheDir = defaultCacheDir(), offline, onProgress, signal } = options;
  const { path: checkpoint } = await pullModel(name, { cacheDir, offline, onProgress, signal });
  return typeof model === "string" ? { checkpoint } : { ...model, checkpoint };
}

/** Under `checkpoint` a known name is a file's path, as any other text. */
function nameToFetch(model: string | { readonly checkpoint: string }): string | null {
  if (typeof model === "string") return isModelName(model) ? model : null;
  return /^(?:hf:|https?:\/\/)/i.test(model.checkpoint) ? model.checkpoint : null;
}
