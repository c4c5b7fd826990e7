import { stat } from "node:fs/promises";
import { UnSAMError } from "../errors.js";
import { PartFile, shown } from "../files/index.js";
import { checkpointAmong, chooseCheckpoint } from "./choose-checkpoint.js";
import { digestOfFile, type Sum, sumOfEtag } from "./digest.js";
import { HubApi, type HubFile } from "./hub-api.js";
import { type CachedFile, HubCache } from "./hub-cache.js";
import type { HubSource } from "./model-name.js";
import { megabytes, offlineError, type PullContext, type PulledModel } from "./pull-context.js";
import { type RememberedFile, rememberedFile, rememberFile } from "./remembered-files.js";
import { failed } from "./requests.js";
import { transfer } from "./transfer.js";
import { withDownloadLock } from "./with-download-lock.js";

/** The question about the licence may take so long. */
const LICENCE_MS = 10_000;

/** What a name is known to mean, by our table or from an earlier time. */
interface Expected {
  readonly bytes: number | null;
  readonly sha256: string | null;
}

export async function pullFromHub(source: HubSource, context: PullContext): Promise<PulledModel> {
  const { name, settings, cacheDir, report } = context;
  const cache = new HubCache(settings.cache, source.repo);
  const remembered =
    source.known !== null && source.known.file === null
      ? await rememberedFile(cacheDir, source.known.name)
      : null;
  const expected = expectedOf(source, context.update ? null : remembered);
  report.know({ licence: source.known?.licence ?? null });
  if (!context.update) {
    const here = await find(cache, source, remembered, expected);
    if (here && (await isRight(here.cached, expected, context))) {
      const { cached, file } = here;
      const sha256 = expected.sha256 ?? sumIn(cached.blob);
      return pulled(name, source, cached, { file, sha256, downloaded: false });
    }
  }
  if (context.offline) throw offlineError(name, cache.folder);
  return fetchFromHub(source, context, cache, expected);
}

async function fetchFromHub(
  source: HubSource,
  context: PullContext,
  cache: HubCache,
  expected: Expected,
): Promise<PulledModel> {
  const { name, settings, cacheDir, report, retry } = context;
  const { repo, revision, known } = source;
  const api = new HubApi(settings.endpoint, await context.requests(), retry);
  const file = source.file ?? chooseCheckpoint(await api.files(repo, revision), repo, known?.plus ?? null);
  const offered = await api.file(repo, revision, file);
  checkOffer(offered, expected, source, file);
  await cache.prepare();
  const result = await withDownloadLock(
    cache.lock(offered.etag),
    cache.part(offered.etag),
    context,
    async (signal) => {
      const isThere = (await stat(cache.blob(offered.etag)).catch(() => null))?.size === offered.bytes;
      // One that has failed a comparison is fetched anew.
      const isWhole = isThere && (!context.verify || (await matchesEtag(cache, offered, context)));
      const sha256 = isWhole
        ? sumIn(offered.etag)
        : await download({ source, context, cache, api, file, offered, expected, signal });
      const entered = await cache.enter(offered.etag, offered.commit, revision, file);
      return { entered, sha256, downloaded: !isWhole };
    },
  );
  const { entered, sha256, downloaded } = result;
  if (known !== null && known.file === null && sha256 !== null) {
    const { commit, bytes } = entered;
    await rememberFile(cacheDir, known.name, { file, commit, bytes, sha256 });
  }
  report.know({ bytes: entered.bytes, total: entered.bytes });
  return pulled(name, source, entered, { file, sha256, downloaded });
}

interface Job {
  readonly source: HubSource;
  readonly context: PullContext;
  readonly cache: HubCache;
  readonly api: HubApi;
  readonly file: string;
  readonly offered: HubFile;
  readonly expected: Expected;
  readonly signal: AbortSignal;
}

/** Downloads a blob under its lock; returns its SHA-256. */
async function download(job: Job): Promise<string> {
  const { source, context, cache, api, file, offered, expected, signal } = job;
  const { settings, maxBytes, report, retry } = context;
  const url = api.fileUrl(source.repo, source.revision, file);
  const wanted = api.wanted(`${file} in ${source.repo}`, source.repo);
  await cache.removeAbandonedParts();
  const part = await PartFile.open(cache.part(offered.etag));
  try {
    const { licence, terms } = await termsOf(source, api, signal);
    report.know({ from: url, licence, bytes: part.size, total: offered.bytes });
    report.tell(
      "start",
      `Downloading ${file} (${megabytes(offered.bytes)}) from ${api.page(source.repo)}; ${terms}.`,
    );
    const sum: Sum | null = expected.sha256
      ? { kind: "sha256", hex: expected.sha256 }
      : sumOfEtag(offered.etag);
    const { sha256 } = await transfer(
      await context.requests(),
      part,
      {
        // What was asked about is what is fetched, also where the branch moves in between.
        url: api.fileUrl(source.repo, offered.commit, file),
        wanted,
        bytes: offered.bytes,
        sum,
        maxBytes,
        idleMs: settings.idleMs,
        onBytes: (bytes, total) => report.bytes("download", bytes, total),
      },
      { ...retry, signal },
    );
    await part.finish(cache.blob(offered.etag));
    return sha256;
  } finally {
    await part.close();
  }
}

/** Under which licence a model comes, for people. Where it is not known here the hub is asked; that is not worth a failure. */
async function termsOf({ repo, known }: HubSource, api: HubApi, signal: AbortSignal) {
  if (known?.licence) return { licence: known.licence, terms: `licence: ${known.licence}` };
  const look = `look at ${api.page(repo)} before you use it`;
  try {
    const licence = await api.licence(repo, AbortSignal.any([signal, AbortSignal.timeout(LICENCE_MS)]));
    const terms =
      licence === null ? `no licence is stated: ${look}` : `its page states the licence ${licence}`;
    return { licence, terms };
  } catch {
    signal.throwIfAborted();
    return { licence: null, terms: `its licence could not be asked for: ${look}` };
  }
}

function expectedOf({ known }: HubSource, remembered: RememberedFile | null): Expected {
  if (remembered) return remembered;
  return { bytes: known?.bytes ?? null, sha256: known?.sha256 ?? null };
}

/** Throws `E_DOWNLOAD` where the hub offers another file than the one that is known. */
function checkOffer(
  offered: HubFile,
  { bytes, sha256 }: Expected,
  { repo, known }: HubSource,
  file: string,
): void {
  const sum = sumOfEtag(offered.etag);
  const isOther =
    (bytes !== null && offered.bytes !== null && offered.bytes !== bytes) ||
    (sha256 !== null && sum?.kind === "sha256" && sum.hex !== sha256);
  if (!isOther) return;
  const earlier = known?.file === null ? "when it was first fetched here" : "as it is known here";
  const advice =
    known?.file === null
      ? `if its authors have replaced it, take the new one with \`unsam pull ${known.name} --update\``
      : `if its authors have replaced it, name it as hf:${repo}/${file}`;
  throw failed(
    `The hub offers ${file} in ${repo} with ${offered.bytes} bytes and the sum ${offered.etag}; ${earlier}, it has ` +
      `${bytes} bytes and SHA-256 ${sha256}. Nothing was taken; ${advice}`,
  );
}

interface Found {
  readonly cached: CachedFile;
  readonly file: string;
}

/** The file in the cache, whoever put it there; null: it is not, or its size is not the known one. */
async function find(
  cache: HubCache,
  source: HubSource,
  remembered: RememberedFile | null,
  { bytes }: Expected,
): Promise<Found | null> {
  const { revision, known } = source;
  const file =
    source.file ?? remembered?.file ?? checkpointAmong(await cache.list(revision), known?.plus ?? null);
  if (file === null) return null;
  const cached = await cache.find(revision, file);
  if (cached && (bytes === null || cached.bytes === bytes)) return { cached, file };
  const elsewhere = bytes === null ? null : await cache.findAnywhere(file, bytes);
  return elsewhere && { cached: elsewhere, file };
}

/** With `verify`: whether a file in the cache has its sum. Throws `E_BAD_FILE` where it differs and nothing may be fetched. */
async function isRight(cached: CachedFile, { sha256 }: Expected, context: PullContext): Promise<boolean> {
  if (!context.verify) return true;
  const { report, signal, offline } = context;
  const sum: Sum | null = sha256
    ? { kind: "sha256", hex: sha256 }
    : cached.blob === null
      ? null
      : sumOfEtag(cached.blob);
  const found = await digestOfFile(cached.path, sum, {
    signal,
    onBytes: (bytes, total) => report.bytes("verify", bytes, total),
  });
  if (found.matches) return true;
  const problem = `${shown(cached.path)} is damaged or another file: its SHA-256 is ${found.sha256}, not ${sum?.hex}`;
  if (offline)
    throw new UnSAMError("E_BAD_FILE", `${problem}; remove it, or fetch it anew where there is a network.`);
  report.tell("notice", `${problem}; it is fetched anew.`);
  return false;
}

async function matchesEtag(cache: HubCache, { etag }: HubFile, { signal }: PullContext): Promise<boolean> {
  return (await digestOfFile(cache.blob(etag), sumOfEtag(etag), { signal })).matches;
}

function sumIn(etag: string | null): string | null {
  const sum = etag === null ? null : sumOfEtag(etag);
  return sum?.kind === "sha256" ? sum.hex : null;
}

function pulled(
  name: string,
  { repo }: HubSource,
  { path, bytes, commit }: CachedFile,
  found: Pick<PulledModel, "file" | "sha256" | "downloaded">,
): PulledModel {
  return { name, path, bytes, repo, commit, ...found };
}
