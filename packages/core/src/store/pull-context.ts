import { UnSAMError } from "../errors.js";
import { shown } from "../files/index.js";
import type { Reporter } from "./progress.js";
import type { Requests } from "./requests.js";
import type { RetryOptions } from "./retry.js";
import type { HubSettings } from "./settings.js";

/** A model's file on this machine. */
export interface PulledModel {
  /** What was asked for. */
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
  /** null: not computed, for the file was there and nothing says what it should be. */
  readonly sha256: string | null;
  /** owner/repository, its revision's commit, and the file's path there; null for a file of another address. */
  readonly repo: string | null;
  readonly commit: string | null;
  readonly file: string | null;
  /** Whether it was downloaded just now. */
  readonly downloaded: boolean;
}

/** What the work on one pull has at hand. */
export interface PullContext {
  readonly name: string;
  readonly settings: HubSettings;
  readonly cacheDir: string;
  readonly offline: boolean;
  readonly update: boolean;
  readonly verify: boolean;
  readonly maxBytes: number;
  readonly report: Reporter;
  readonly signal: AbortSignal;
  readonly retry: RetryOptions;
  /** Opens the way to the network; nothing is opened before this is called. */
  readonly requests: () => Promise<Requests>;
}

/** The sentence about a model that is not there while nothing may be fetched. */
export function offlineError(name: string, folder: string): UnSAMError {
  return new UnSAMError(
    "E_OFFLINE",
    `The model ${shown(name)} is not in ${shown(folder)}, and offline nothing is fetched; ` +
      "run `unsam pull` where there is a network (without UNSAM_OFFLINE and HF_HUB_OFFLINE), or give the path of a file.",
  );
}

/** "184 MB" */
export function megabytes(bytes: number | null): string {
  if (bytes === null) return "of unknown size";
  return bytes < 1e6 ? `${bytes} bytes` : `${Math.round(bytes / 1e6)} MB`;
}
