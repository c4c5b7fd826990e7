import { existsSync } from "node:fs";
import { UnSAMError } from "@unsam/core/errors";
import { BUILT_IN_MODELS, isModelName, MODEL_NAMES } from "@unsam/core/names";
import type { PullProgress } from "@unsam/sdk";
import { duration } from "./terminal/duration.js";
import { rewritesRow, tell } from "./terminal/output.js";
import { StatusRow } from "./terminal/progress.js";

/** What has a name, for `--model`. */
export const MODEL_WORDS: readonly string[] = [...BUILT_IN_MODELS, ...MODEL_NAMES];

/** Throws `E_BAD_OPTION` where `--model` is neither a name nor a file that is there. */
export function checkModelFlag(model: string): void {
  if (isModelName(model) || existsSync(model)) return;
  throw new UnSAMError(
    "E_BAD_OPTION",
    `--model is ${model}, which is neither a built-in model (${BUILT_IN_MODELS.join(", ")}), nor one to fetch ` +
      `(${MODEL_NAMES.join(", ")}, hf:owner/repository/file, https://…), nor a file.`,
  );
}

/** The file of a checkpoint that the user names: fetched where it is a name, else as it was given. */
export async function modelFile(model: string, signal: AbortSignal): Promise<string> {
  if (!isModelName(model)) return model;
  const { pullModel } = await import("@unsam/sdk");
  return withPullProgress(
    model,
    async (onProgress) => (await pullModel(model, { signal, onProgress, verify: false })).path,
  );
}

/** Shows on standard error what is fetched from where, and how far it is. */
export async function withPullProgress<T>(
  name: string,
  pull: (onProgress: (progress: PullProgress) => void) => Promise<T>,
): Promise<T> {
  const row = new StatusRow(`Looking for ${name}`);
  const pace = new Pace();
  let said = "";
  row.start();
  try {
    return await pull((progress) => {
      const { phase, message, model } = progress;
      if (message !== null && message !== said) tell(`unsam: ${message}`);
      said = message ?? said;
      if (phase === "download") row.text = pace.text(progress);
      else if (phase === "verify") row.text = `Comparing ${model} with its SHA-256, ${shareOf(progress)}`;
      else if (phase === "wait")
        row.text = `Waiting for another process that downloads ${model}, ${amount(progress.bytes)}`;
      if (phase === "download" && !rewritesRow && pace.isWorthALine(progress))
        tell(`- ${pace.text(progress)}`);
    });
  } finally {
    row.stop();
  }
}

/** How fast a download goes. */
class Pace {
  #since = 0;
  #from = 0;
  #told = 0;

  text(progress: PullProgress): string {
    const { model, bytes, total } = progress;
    const now = performance.now();
    if (this.#since === 0) [this.#since, this.#from] = [now, bytes];
    const seconds = (now - this.#since) / 1000;
    const rate = seconds > 0.5 ? (bytes - this.#from) / seconds : 0;
    const left = total !== null && rate > 0 ? `, ${duration((total - bytes) / rate)} left` : "";
    const speed = rate > 0 ? `, ${amount(rate)}/s${left}` : "";
    return `Downloading ${model}, ${total === null ? amount(bytes) : `${shareOf(progress)} of ${amount(total)}`}${speed}`;
  }

  /** A log gets a line at every quarter. */
  isWorthALine({ bytes, total }: PullProgress): boolean {
    const quarter = total === null ? 0 : Math.floor((4 * bytes) / total);
    if (quarter <= this.#told || quarter === 4) return false;
    this.#told = quarter;
    return true;
  }
}

function shareOf({ bytes, total }: PullProgress): string {
  return total === null || total === 0 ? amount(bytes) : `${Math.floor((100 * bytes) / total)} %`;
}

/** "184 MB" */
export function amount(bytes: number): string {
  if (bytes < 1e6) return `${Math.round(bytes / 1e3)} kB`;
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}
