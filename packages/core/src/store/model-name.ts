import { UnSAMError } from "../errors.js";
import { shown } from "../files/index.js";
import { findKnownModel, KNOWN_MODELS, type KnownModel } from "./known-models.js";

/** A file in a repository of models of the hub. */
export interface HubSource {
  readonly kind: "hub";
  /** owner/repository */
  readonly repo: string;
  /** Its path in the repository, with "/"; null: the only checkpoint that is there, or what `known` says. */
  readonly file: string | null;
  /** A branch, a tag, or a commit (40 hexadecimal digits). */
  readonly revision: string;
  readonly known: KnownModel | null;
}

/** A file anywhere on the web. */
export interface UrlSource {
  readonly kind: "url";
  readonly url: string;
  /** Its SHA-256, where the fragment `#sha256=…` says so. */
  readonly sha256: string | null;
}

export type ModelSource = HubSource | UrlSource;

const PREFIX = "hf:";
const MOST_CHARACTERS = 2048;
/** owner and repository: the hub's own rules, and no "--", which separates them in the cache. */
const REPO_PART = /^(?!.*(?:--|\.\.))[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?$/;
const REVISION_PART = /^(?!.*\.\.)[A-Za-z0-9_][A-Za-z0-9._+-]{0,199}$/;
export const COMMIT: RegExp = /^[0-9a-f]{40}$/;
/** What some system takes for something else in a file's name: separators, drives, streams, wildcards, control characters. */
const NOT_IN_NAMES = /[\\:*?"<>|\p{Cc}]/u;
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/** Whether a text is meant as a name of something to fetch, rather than as a file's path. */
export function isModelName(text: string): boolean {
  return text.startsWith(PREFIX) || /^https?:\/\//i.test(text) || findKnownModel(text) !== null;
}

/**
 * What a model's name means: a known name, `hf:owner/repository/file#revision`, or an `https:` URL (`#sha256=…` says what it
 * must be). Throws `E_BAD_OPTION`, for a name that does not exist with those that do.
 * @param endpoint the hub's address: files in its repositories may be given as the URLs that a browser shows
 */
export function parseModelName(name: string, endpoint: string): ModelSource {
  if (name.length > MOST_CHARACTERS) throw bad(name, "is too long");
  if (name.startsWith(PREFIX)) return hubSource(name, name.slice(PREFIX.length));
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(name)) return urlSource(name, endpoint);
  const known = findKnownModel(name);
  if (!known) throw unknownName(name);
  return { kind: "hub", repo: known.repo, file: known.file, revision: "main", known };
}

/** The sentence about a name that does not exist, with all that do. */
export function unknownName(name: string): UnSAMError {
  const names = KNOWN_MODELS.map((model) => model.name).join(", ");
  return bad(name, `does not exist; there are ${names}, hf:owner/repository/file#revision and https:// URLs`);
}

/** Whether a path in a repository means a file there and nowhere else, on every system. */
export function isSafeRepoPath(file: string): boolean {
  return (
    file.length <= 1024 &&
    file
      .split("/")
      .every(
        (part) =>
          part !== "" && !/[. ]$/.test(part) && !NOT_IN_NAMES.test(part) && Buffer.byteLength(part) <= 255,
      )
  );
}

function hubSource(name: string, text: string): HubSource {
  const hash = text.indexOf("#");
  const [place, revision] = hash < 0 ? [text, "main"] : [text.slice(0, hash), text.slice(hash + 1)];
  const [owner = "", repository = "", ...rest] = place.split("/");
  if (!REPO_PART.test(owner) || !REPO_PART.test(repository)) {
    throw bad(name, "names no repository; give hf:owner/repository/file#revision");
  }
  const file = rest.length === 0 ? null : rest.join("/");
  if (file !== null && !isSafeRepoPath(file)) throw bad(name, "names no file that a repository can hold");
  const parts = revision.split("/");
  if (
    revision.length > 200 ||
    !parts.every((part) => REVISION_PART.test(part) && !/\.(?:lock)?$/.test(part))
  ) {
    throw bad(name, "names no revision; give a branch, a tag or a commit after #");
  }
  return { kind: "hub", repo: `${owner}/${repository}`, file, revision, known: null };
}

function urlSource(name: string, endpoint: string): ModelSource {
  const url = parsed(name);
  if (!url?.hostname) throw bad(name, "is no URL");
  const isPlain = url.protocol === "http:" && LOOPBACK.test(url.hostname);
  if (url.protocol !== "https:" && !isPlain) throw bad(name, "is not encrypted; give an https:// URL");
  if (url.username !== "" || url.password !== "") {
    throw bad(
      withoutCredentials(url),
      "carries a user's name or password, which are not sent; give it without them",
    );
  }
  const inHub = hubPlace(url, endpoint);
  if (inHub !== null) return hubSource(name, inHub);
  const [, sha256 = null] = /^#sha256=([0-9a-f]{64})$/i.exec(url.hash) ?? [];
  if (url.hash !== "" && sha256 === null) {
    throw bad(
      name,
      "ends in a fragment that means nothing here; leave it out, or give #sha256= and 64 digits",
    );
  }
  url.hash = "";
  return { kind: "url", url: url.href, sha256: sha256?.toLowerCase() ?? null };
}

/** `https://huggingface.co/owner/repository/resolve/main/file`, or `/blob/` as the browser shows it, without the `hf:`. */
function hubPlace(url: URL, endpoint: string): string | null {
  const prefix = `${endpoint}/`;
  if (!url.href.startsWith(prefix) || !["", "?download=true"].includes(url.search)) return null;
  const found = /^([^/#?]+\/[^/#?]+)\/(?:resolve|blob)\/([^/#?]+)\/([^#?]+)/.exec(
    url.href.slice(prefix.length),
  );
  if (!found || url.hash !== "") return null;
  try {
    return `${found[1]}/${decodeURIComponent(found[3])}#${decodeURIComponent(found[2])}`;
  } catch {
    return null;
  }
}

function parsed(text: string): URL | null {
  try {
    return new URL(text);
  } catch {
    return null;
  }
}

function withoutCredentials(url: URL): string {
  const copy = new URL(url);
  copy.username = "";
  copy.password = "";
  return copy.href;
}

function bad(name: string, how: string): UnSAMError {
  return new UnSAMError("E_BAD_OPTION", `The model ${shown(name)} ${how}.`);
}
