import { createHash } from "node:crypto";
import { readdir, rm, stat } from "node:fs/promises";
import path from "node:path";
import { makeFolder, outputName } from "../files/index.js";

/** Files of arbitrary addresses: `downloads/<hash of the URL>/<name>` in our own cache folder. */
export class UrlCache {
  readonly folder: string;
  /** The file's name, which tells some sizes of a model family apart. */
  readonly file: string;

  /** @param url checked, without a fragment */
  constructor(cacheDir: string, url: string) {
    const key = createHash("sha256").update(url).digest("hex").slice(0, 32);
    this.folder = path.join(cacheDir, "downloads", key);
    this.file = path.join(this.folder, fileNameOf(url));
  }

  /** A part belongs to one version of the file, of which its server gives a tag. */
  part(version: string): string {
    const key = createHash("sha256").update(version).digest("hex").slice(0, 16);
    return path.join(this.folder, `${key}.unsam-part`);
  }

  get lock(): string {
    return path.join(this.folder, ".unsam-lock");
  }

  /** `changed`: when it was written, ms since 1970. */
  async find(): Promise<{ path: string; bytes: number; changed: number } | null> {
    const found = await stat(this.file).catch(() => null);
    return found?.isFile() ? { path: this.file, bytes: found.size, changed: found.mtimeMs } : null;
  }

  async prepare(): Promise<void> {
    await makeFolder(this.folder);
  }

  /** Removes the parts of all other versions. */
  async removeOtherParts(part: string): Promise<void> {
    for (const name of await readdir(this.folder).catch(() => [])) {
      const file = path.join(this.folder, name);
      if (name.endsWith(".unsam-part") && file !== part) await rm(file, { force: true });
    }
  }
}

function fileNameOf(url: string): string {
  const last = new URL(url).pathname.split("/").filter(Boolean).at(-1) ?? "";
  // Only plain characters: the name is that of a file here.
  const plain = last
    .replace(/%[0-9a-f]{2}/gi, "_")
    .replace(/[^A-Za-z0-9._+-]/g, "_")
    .replace(/^\.+|\.+$/g, "");
  const ending = /\.[A-Za-z0-9]{1,16}$/.exec(plain)?.[0] ?? "";
  return outputName(plain.slice(0, plain.length - ending.length) || "model", ending);
}
