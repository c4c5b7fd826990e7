import { failed } from "./requests.js";

/** Endings of checkpoints that are read. */
const CHECKPOINT = /\.(?:pt|pth|safetensors)$/i;
const MOST_LISTED = 20;

/**
 * The checkpoint among a repository's files. `plus`: of a family that has one trained on more data, whether it is that one.
 * Throws `E_DOWNLOAD` where there is none, or where several could be meant.
 */
export function chooseCheckpoint(files: readonly string[], repo: string, plus: boolean | null): string {
  const all = files.filter((file) => CHECKPOINT.test(file));
  const meant = plus === null ? all : all.filter((file) => isPlus(file) === plus);
  const candidates = meant.length === 0 && !plus ? all : meant;
  if (candidates.length === 1) return candidates[0];
  if (candidates.length === 0) {
    throw failed(
      `${repo} holds no ${plus ? "checkpoint with “plus” in its name" : "checkpoint (.pt, .pth, .safetensors)"}`,
    );
  }
  const listed = candidates.slice(0, MOST_LISTED).map((file) => `hf:${repo}/${file}`);
  const more = candidates.length > MOST_LISTED ? `, and ${candidates.length - MOST_LISTED} more` : "";
  throw failed(
    `${repo} holds ${candidates.length} checkpoints; name one of them: ${listed.join(", ")}${more}`,
  );
}

/** The same among files that are in the cache, where others may be missing: null unless there is exactly one that fits. */
export function checkpointAmong(files: readonly string[], plus: boolean | null): string | null {
  const found = files.filter((file) => CHECKPOINT.test(file) && (plus === null || isPlus(file) === plus));
  return found.length === 1 ? found[0] : null;
}

function isPlus(file: string): boolean {
  return /plus/i.test(file.split("/").at(-1) ?? "");
}
