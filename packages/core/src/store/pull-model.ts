import { type HubSource, parseModelName, type UrlSource } from "./model-name.js";
import { type OnProgress, Reporter } from "./progress.js";
import type { PullContext, PulledModel } from "./pull-context.js";
import { pullFromHub } from "./pull-from-hub.js";
import { pullUrl } from "./pull-url.js";
import { Requests } from "./requests.js";
import { hubSettings, hubToken } from "./settings.js";
import { shareWork } from "./shared-work.js";

/** Larger files are not downloaded, however they call themselves. */
const MOST_BYTES = 32 * 2 ** 30;

export interface PullOptions {
  /** Our own cache folder: files of arbitrary addresses, and what is remembered. */
  readonly cacheDir: string;
  readonly onProgress?: OnProgress | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Open no connection (default: what `UNSAM_OFFLINE` and `HF_HUB_OFFLINE` say). */
  readonly offline?: boolean | undefined;
  /** Ask whether a branch has moved, or an address has another file, though there is one already (default false). */
  readonly update?: boolean | undefined;
  /** Compare a file that is there with its SHA-256, and fetch it anew where it differs (default false). */
  readonly verify?: boolean | undefined;
  /** Larger files are refused (default 32 GiB). */
  readonly maxBytes?: number | undefined;
  /** Wait after a first failure, ms; for tests. */
  readonly retryMs?: number | undefined;
}

/**
 * The file of a model by its name (`sam2.1-small`, `unsamv2`, `hf:owner/repository/file#revision`, an `https:` URL), from the
 * Hugging Face cache or our own, and from the network where it is not there. Several callers, threads and processes share
 * one download; one that is interrupted is continued by the next.
 * Throws `E_BAD_OPTION` (the name), `E_OFFLINE`, `E_DOWNLOAD`, `E_IO`, or the signal's reason.
 */
export async function pullModel(name: string, options: PullOptions): Promise<PulledModel> {
  const {
    cacheDir,
    onProgress,
    signal,
    update = false,
    verify = false,
    maxBytes = MOST_BYTES,
    retryMs,
  } = options;
  const settings = hubSettings();
  const source = parseModelName(name, settings.endpoint);
  const offline = options.offline ?? settings.offline;
  const key = JSON.stringify([name, settings, cacheDir, offline, update, verify, maxBytes]);
  return shareWork(key, { onProgress, signal }, async (tell, stop) => {
    const report = new Reporter(name, tell);
    const retry = { signal: stop, retryMs, onRetry: (reason: string) => report.tell("retry", `${reason}.`) };
    let opened: Requests | null = null;
    const requests = async () => {
      // An address outside of the hub is none of the token's business.
      const token = source.kind === "hub" ? await hubToken() : null;
      opened ??= new Requests(settings.endpoint, token, settings.idleMs);
      return opened;
    };
    const rest = { name, settings, cacheDir, offline, update, verify, maxBytes };
    const context: PullContext = { ...rest, report, signal: stop, retry, requests };
    try {
      const pulled = await pullSource(source, context);
      report.know({ bytes: pulled.bytes, total: pulled.bytes });
      report.tell("done");
      return pulled;
    } finally {
      await (opened as Requests | null)?.close();
    }
  });
}

function pullSource(source: HubSource | UrlSource, context: PullContext): Promise<PulledModel> {
  return source.kind === "hub" ? pullFromHub(source, context) : pullUrl(source, context);
}
