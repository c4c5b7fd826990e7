import { PartFile } from "../files/index.js";
import { digestOfFile, type Sum } from "./digest.js";
import type { UrlSource } from "./model-name.js";
import { megabytes, offlineError, type PullContext, type PulledModel } from "./pull-context.js";
import { type Answer, lengthOf, withoutQuery } from "./requests.js";
import { withRetries } from "./retry.js";
import { transfer } from "./transfer.js";
import { UrlCache } from "./url-cache.js";
import { withDownloadLock } from "./with-download-lock.js";

/** A file of an arbitrary address; one that is there is not asked for again, unless `update` says so. */
export async function pullUrl({ url, sha256 }: UrlSource, context: PullContext): Promise<PulledModel> {
  const { name, cacheDir, offline, update, report } = context;
  const cache = new UrlCache(cacheDir, url);
  const sum: Sum | null = sha256 === null ? null : { kind: "sha256", hex: sha256 };
  const nowhere = { repo: null, commit: null, file: null };
  const here = await findWhole(cache, sum, context);
  if (here && !update) return { name, ...here, sha256, ...nowhere, downloaded: false };
  if (offline) throw offlineError(name, cache.folder);
  await cache.prepare();
  const version = await versionOf(url, context);
  const part = cache.part(version.key);
  const started = performance.timeOrigin + performance.now();
  return withDownloadLock(cache.lock, part, context, async (signal) => {
    const meanwhile = await findWhole(cache, sum, context);
    if (meanwhile && (!update || meanwhile.changed > started)) {
      return { name, ...meanwhile, sha256, ...nowhere, downloaded: false };
    }
    await cache.removeOtherParts(part);
    const open = await PartFile.open(part);
    try {
      report.know({ from: withoutQuery(url), bytes: open.size, total: version.bytes });
      report.tell(
        "start",
        `Downloading ${withoutQuery(url)} (${megabytes(version.bytes)}); its licence is not known here.`,
      );
      const got = await transfer(await context.requests(), open, jobOf(url, sum, version, context), {
        ...context.retry,
        signal,
      });
      await open.finish(cache.file);
      return { name, path: cache.file, ...got, ...nowhere, downloaded: true };
    } finally {
      await open.close();
    }
  });
}

interface Version {
  readonly key: string;
  /** For `If-Range`; null: nothing tells versions apart. */
  readonly validator: string | null;
  readonly bytes: number | null;
}

function jobOf(url: string, sum: Sum | null, { validator, bytes }: Version, context: PullContext) {
  const { settings, maxBytes, report } = context;
  return {
    url,
    wanted: { what: withoutQuery(url), page: null, hasToken: false },
    bytes,
    sum,
    ifRange: validator,
    maxBytes,
    idleMs: settings.idleMs,
    onBytes: (at: number, total: number | null) => report.bytes("download", at, total),
  };
}

/** What tells this version of the file from others. Servers that do not answer to HEAD tell nothing. */
async function versionOf(url: string, context: PullContext): Promise<Version> {
  const requests = await context.requests();
  const answer = await withRetries<Answer>(
    () => requests.send(url, { method: "HEAD", signal: context.signal }),
    context.retry,
  );
  answer.close();
  if (answer.status !== 200) return { key: "", validator: null, bytes: null };
  const etag = answer.header("etag");
  const validator = etag?.startsWith('"') ? etag : answer.header("last-modified");
  const bytes = lengthOf(answer.header("content-length"));
  return { key: `${validator} ${bytes}`, validator, bytes };
}

/** The file, where it is there; one whose sum was asked for is compared with it. */
async function findWhole(cache: UrlCache, sum: Sum | null, { verify, signal, report }: PullContext) {
  const found = await cache.find();
  if (!found || !(verify || sum) || sum === null) return found;
  const { matches } = await digestOfFile(found.path, sum, {
    signal,
    onBytes: (bytes, total) => report.bytes("verify", bytes, total),
  });
  return matches ? found : null;
}
