import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { makePrivateFolder, readFileBytes, removeLeftovers, temporaryPath } from "@unsam/core/files";
import type { S3Store } from "../s3/s3-store.js";
import type { ResultFormat } from "./result-formats.js";
import { fileNameOf, folderOf, type ResultPlace, type WriteFile } from "./result-place.js";

/** Keys of a bucket that begin alike. An object appears whole or not at all. */
export class S3Place implements ResultPlace {
  readonly #store: S3Store;
  readonly #prefix: string;

  constructor(store: S3Store, prefix: string) {
    this.#store = store;
    this.#prefix = prefix === "" || prefix.endsWith("/") ? prefix : `${prefix}/`;
  }

  /** Also removes what workers of this machine left behind when they died. */
  async prepare(signal: AbortSignal): Promise<void> {
    await removeLeftovers(tmpdir());
    await this.#store.check(signal);
  }

  has(id: string, format: ResultFormat, signal: AbortSignal): Promise<boolean> {
    return this.#store.has(this.#keyOf(id, format), signal);
  }

  async put(id: string, format: ResultFormat, write: WriteFile, signal: AbortSignal): Promise<void> {
    const folder = temporaryPath(tmpdir());
    await makePrivateFolder(folder);
    try {
      const file = path.join(folder, `result.${format.name}`);
      await write(file);
      const body = await readFileBytes(file, { what: "The result", signal });
      await this.#store.write(this.#keyOf(id, format), body, format.type, signal);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  #keyOf(id: string, format: ResultFormat): string {
    return `${this.#prefix}${folderOf(id)}/${fileNameOf(id, format)}`;
  }
}
