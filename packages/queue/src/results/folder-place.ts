import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import { makeFolder, removeLeftovers } from "@unsam/core/files";
import type { ResultFormat } from "./result-formats.js";
import { fileNameOf, folderOf, type ResultPlace, type WriteFile } from "./result-place.js";

/** A folder that all machines of the run see. The SDK writes each file under a temporary name beside it and renames it. */
export class FolderPlace implements ResultPlace {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Also removes what workers of this machine left behind when they died. */
  async prepare(signal: AbortSignal): Promise<void> {
    await makeFolder(this.#folder);
    for (const name of await readdir(this.#folder)) {
      signal.throwIfAborted();
      if (/^[0-9a-f]{2}$/.test(name)) await removeLeftovers(path.join(this.#folder, name));
    }
  }

  has(id: string, format: ResultFormat): Promise<boolean> {
    return stat(path.join(this.#folder, folderOf(id), fileNameOf(id, format))).then(
      (found) => found.isFile(),
      () => false,
    );
  }

  async put(id: string, format: ResultFormat, write: WriteFile): Promise<void> {
    const folder = path.join(this.#folder, folderOf(id));
    await makeFolder(folder);
    await write(path.join(folder, fileNameOf(id, format)));
  }
}
