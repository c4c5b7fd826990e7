import { readdir, realpath, rm, stat } from "node:fs/promises";
import path from "node:path";
import { createWhole, linkOrCopy, makeFolder, readFileText, writeWhole } from "../files/index.js";
import { COMMIT } from "./model-name.js";

// The layout that Hugging Face documents ("Understand caching"): in the cache, for each repository
//   models--owner--name/refs/main                    the commit that a branch or tag meant when it was last asked for
//   models--owner--name/blobs/ETAG                   contents
//   models--owner--name/snapshots/COMMIT/path/file   relative links to blobs

/** Our unfinished blobs; Python's are called otherwise, so that no file has two writers that know nothing of each other. */
const PART = ".unsam-part";
const ABANDONED_MS = 7 * 24 * 60 * 60 * 1000;

/** A file found in the cache. */
export interface CachedFile {
  readonly path: string;
  readonly commit: string;
  readonly bytes: number;
  /** Name of its blob; null where there are no links. */
  readonly blob: string | null;
}

/** The folder of one repository of models in the Hugging Face cache. */
export class HubCache {
  readonly #cache: string;
  readonly folder: string;
  readonly #name: string;

  /** @param repo owner/name, checked */
  constructor(cache: string, repo: string) {
    this.#cache = cache;
    this.#name = `models--${repo.replace("/", "--")}`;
    this.folder = path.join(cache, this.#name);
  }

  blob(etag: string): string {
    return path.join(this.folder, "blobs", etag);
  }

  part(etag: string): string {
    return this.blob(etag) + PART;
  }

  /** Beside Python's locks, which are locked by the system and not by being there. */
  lock(etag: string): string {
    return path.join(this.#cache, ".locks", this.#name, `${etag}.unsam-lock`);
  }

  snapshot(commit: string, file: string): string {
    return path.join(this.folder, "snapshots", commit, ...file.split("/"));
  }

  /** The commit that a revision means as far as the cache knows; null: it does not. */
  async commitOf(revision: string): Promise<string | null> {
    if (COMMIT.test(revision)) return revision;
    const ref = path.join(this.folder, "refs", ...revision.split("/"));
    const text = await readFileText(ref, { what: "The reference", maxBytes: 1024 }).catch(() => "");
    return COMMIT.test(text.trim()) ? text.trim() : null;
  }

  /** The file of a revision, where it is there. */
  async find(revision: string, file: string): Promise<CachedFile | null> {
    const commit = await this.commitOf(revision);
    return commit === null ? null : this.#fileAt(commit, file);
  }

  /** The file in any snapshot, for one that is known by its size: other tools write no references. */
  async findAnywhere(file: string, bytes: number): Promise<CachedFile | null> {
    const commits = await readdir(path.join(this.folder, "snapshots")).catch(() => []);
    for (const commit of commits.sort()) {
      const found = await this.#fileAt(commit, file);
      if (found?.bytes === bytes) return found;
    }
    return null;
  }

  /** Paths of the files in the snapshot of a revision, with "/". */
  async list(revision: string): Promise<string[]> {
    const commit = await this.commitOf(revision);
    if (commit === null) return [];
    const folder = path.join(this.folder, "snapshots", commit);
    const names = await readdir(folder, { recursive: true }).catch(() => []);
    return names.map((name) => name.split(path.sep).join("/")).sort();
  }

  async #fileAt(commit: string, file: string): Promise<CachedFile | null> {
    const name = this.snapshot(commit, file);
    // A link whose blob is gone is no file.
    const found = await stat(name).catch(() => null);
    if (!found?.isFile()) return null;
    const real = await realpath(name).catch(() => name);
    const isBlob = path.basename(path.dirname(real)) === "blobs";
    return { path: name, commit, bytes: found.size, blob: isBlob ? path.basename(real) : null };
  }

  /** Makes the folders for a blob and its lock. Throws `E_IO`. */
  async prepare(): Promise<void> {
    await makeFolder(path.join(this.folder, "blobs"));
    await makeFolder(path.join(this.folder, "refs"));
    await makeFolder(path.join(this.#cache, ".locks", this.#name));
    // Python's library asks backup tools in the same way to leave the cache out.
    await createWhole(path.join(this.#cache, "CACHEDIR.TAG"), CACHEDIR_TAG, { lasts: false }).catch(() => {});
  }

  /** Gives a blob its name in the snapshot of a commit, and the revision its commit. Throws `E_IO`. */
  async enter(etag: string, commit: string, revision: string, file: string): Promise<CachedFile> {
    const name = this.snapshot(commit, file);
    await makeFolder(path.dirname(name));
    await linkOrCopy(this.blob(etag), name);
    if (!COMMIT.test(revision)) {
      const ref = path.join(this.folder, "refs", ...revision.split("/"));
      await makeFolder(path.dirname(ref));
      await writeWhole(ref, commit);
    }
    const { size } = await stat(name);
    return { path: name, commit, bytes: size, blob: etag };
  }

  /** Removes what was begun long ago and never finished. */
  async removeAbandonedParts(): Promise<void> {
    const blobs = path.join(this.folder, "blobs");
    for (const name of await readdir(blobs).catch(() => [])) {
      if (!name.endsWith(PART)) continue;
      const found = await stat(path.join(blobs, name)).catch(() => null);
      if (found && Date.now() - found.mtimeMs > ABANDONED_MS)
        await rm(path.join(blobs, name), { force: true });
    }
  }
}

const CACHEDIR_TAG = `Signature: 8a477f597d28d172789f06886806bc55
# This file is a cache directory tag: its folder holds what can be downloaded again.
# See https://bford.info/cachedir/
`;
