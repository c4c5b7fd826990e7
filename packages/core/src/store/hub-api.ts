import { z } from "zod";
import { UnSAMError } from "../errors.js";
import { parseJson } from "../files/index.js";
import { COMMIT, isSafeRepoPath } from "./model-name.js";
import { type Answer, failed, lengthOf, passing, type Requests } from "./requests.js";
import { type RetryOptions, withRetries } from "./retry.js";
import { checkStatus, type Wanted } from "./statuses.js";
import { refuseWebPage } from "./web-page.js";

const MOST_JSON_BYTES = 16 * 2 ** 20;
const MOST_PAGES = 20;
/** Names of blobs in the cache. */
const ETAG = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$/;

/** What the hub says about a file before it is downloaded. */
export interface HubFile {
  /** The revision's commit. */
  readonly commit: string;
  /** SHA-256 of a file in Git LFS, else git's own sum; the name of its blob in the cache. */
  readonly etag: string;
  /** null: the hub does not say. */
  readonly bytes: number | null;
}

/** The part of the hub's interface that is needed here. */
export class HubApi {
  readonly #endpoint: string;
  readonly #requests: Requests;
  readonly #retry: RetryOptions;

  constructor(endpoint: string, requests: Requests, retry: RetryOptions) {
    this.#endpoint = endpoint;
    this.#requests = requests;
    this.#retry = retry;
  }

  /** Where a file is downloaded from. */
  fileUrl(repo: string, revision: string, file: string): string {
    return `${this.#endpoint}/${repo}/resolve/${encodeURIComponent(revision)}/${encoded(file)}`;
  }

  page(repo: string): string {
    return `${this.#endpoint}/${repo}`;
  }

  wanted(what: string, repo: string): Wanted {
    return { what, page: this.page(repo), hasToken: this.#requests.hasToken };
  }

  /** Throws `E_DOWNLOAD`, or the signal's reason. */
  file(repo: string, revision: string, file: string): Promise<HubFile> {
    const wanted = this.wanted(`${file} in ${repo}${revision === "main" ? "" : ` (${revision})`}`, repo);
    return withRetries(async () => {
      const heads: Answer[] = [];
      const last = await this.#requests.send(this.fileUrl(repo, revision, file), {
        method: "HEAD",
        signal: this.#retry.signal,
        stayOnHost: true,
        onRedirect: (answer) => heads.push(answer),
      });
      last.close();
      checkStatus(last, wanted);
      heads.push(last);
      return fileOf(heads, wanted.what);
    }, this.#retry);
  }

  /** Paths of all files of a repository. Throws `E_DOWNLOAD`, or the signal's reason. */
  async files(repo: string, revision: string): Promise<string[]> {
    const wanted = this.wanted(`repository ${repo}${revision === "main" ? "" : ` (${revision})`}`, repo);
    const start = `${this.#endpoint}/api/models/${repo}/tree/${encodeURIComponent(revision)}?recursive=true`;
    const found: string[] = [];
    let next: string | null = start;
    for (let page = 0; next !== null && page < MOST_PAGES; page++) {
      const { json, answer } = await this.#json(next, wanted);
      const entries = treeSchema.safeParse(json);
      if (!entries.success)
        throw failed(`${answer.url.host} does not list the files of ${repo} as the hub does`);
      // What cannot be named in a path is passed over: it is no checkpoint of ours.
      found.push(
        ...entries.data
          .filter(({ type, path }) => type === "file" && isSafeRepoPath(path))
          .map(({ path }) => path),
      );
      next = nextPage(answer);
    }
    return found;
  }

  /** What a repository says about its licence, an SPDX identifier in small letters; null: nothing. */
  async licence(repo: string, signal: AbortSignal): Promise<string | null> {
    const wanted = this.wanted(`repository ${repo}`, repo);
    const { json } = await this.#json(`${this.#endpoint}/api/models/${repo}`, wanted, signal);
    const facts = factsSchema.safeParse(json).data;
    const tag = facts?.tags?.find((one) => one.startsWith("license:"))?.slice("license:".length);
    const stated = facts?.cardData?.license ?? tag ?? null;
    return stated !== null && /^[\w.+-]{1,60}$/.test(stated) ? stated : null;
  }

  #json(
    url: string,
    wanted: Wanted,
    signal = this.#retry.signal,
  ): Promise<{ json: unknown; answer: Answer }> {
    return withRetries(
      async () => {
        const answer = await this.#requests.send(url, { method: "GET", signal });
        try {
          checkStatus(answer, wanted);
          return {
            json: parseJson(await textOf(answer, signal), `What ${answer.url.host} answers`, "E_DOWNLOAD"),
            answer,
          };
        } finally {
          answer.close();
        }
      },
      { ...this.#retry, signal },
    );
  }
}

const treeSchema = z.array(z.looseObject({ type: z.string(), path: z.string() }));
const factsSchema = z.looseObject({
  tags: z.array(z.string()).optional().catch(undefined),
  cardData: z
    .looseObject({ license: z.string().optional().catch(undefined) })
    .optional()
    .catch(undefined),
});

/** The headers of a file, which the hub gives with its first answer or after a redirect within itself. */
function fileOf(heads: readonly Answer[], what: string): HubFile {
  const first = (name: string) =>
    heads.map((head) => head.header(name)).find((value) => value !== null) ?? null;
  const last = heads[heads.length - 1];
  const { host } = heads[0].url;
  const commit = first("x-repo-commit");
  if (commit === null) refuseWebPage(last, what);
  const etag = (first("x-linked-etag") ?? last.header("etag"))?.replace(/^W\//, "").replaceAll('"', "") ?? "";
  if (commit === null || !COMMIT.test(commit) || !ETAG.test(etag)) {
    throw failed(
      `${host} does not say about ${what} what the hub does (X-Repo-Commit, ETag); check HF_ENDPOINT`,
    );
  }
  const size = first("x-linked-size") ?? (last.status === 200 ? last.header("content-length") : null);
  return { commit, etag, bytes: lengthOf(size) };
}

async function textOf(answer: Answer, signal: AbortSignal | undefined): Promise<string> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const piece of answer.pieces) {
      pieces.push(piece);
      bytes += piece.length;
      if (bytes > MOST_JSON_BYTES)
        throw failed(`${answer.url.host} answers with more than ${MOST_JSON_BYTES} bytes`);
    }
  } catch (cause) {
    signal?.throwIfAborted();
    throw UnSAMError.isInstance(cause) ? cause : passing(answer.url, cause);
  }
  return Buffer.concat(pieces).toString("utf8");
}

/** `Link: <…>; rel="next"`, on the same host. */
function nextPage(answer: Answer): string | null {
  const [, link] = /<([^>]{1,2000})>\s*;\s*rel="next"/.exec(answer.header("link") ?? "") ?? [];
  if (link === undefined) return null;
  try {
    const next = new URL(link, answer.url);
    return next.origin === answer.url.origin ? next.href : null;
  } catch {
    return null;
  }
}

function encoded(file: string): string {
  return file.split("/").map(encodeURIComponent).join("/");
}
