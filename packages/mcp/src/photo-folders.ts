import { realpath, stat } from "node:fs/promises";
import path from "node:path";
import { UnSAMError } from "@unsam/core/errors";
import { shown } from "@unsam/core/files";

/** Folders whose photos may be read; nothing else of the machine is. */
export class PhotoFolders {
  readonly #folders: readonly string[];

  private constructor(folders: readonly string[]) {
    this.#folders = folders;
  }

  /** Throws `E_IO` for a folder that is not there. */
  static async open(folders: readonly string[]): Promise<PhotoFolders> {
    return new PhotoFolders(await Promise.all(folders.map(realFolder)));
  }

  /**
   * The file behind a name, relative to the first folder that holds it, or absolute; links are followed to what they lead
   * to. Throws `E_BAD_IMAGE`, with the same sentence for what is not there and for what lies elsewhere.
   */
  async find(name: string): Promise<string> {
    for (const folder of this.#folders) {
      const file = name.includes("\0") ? null : await realpath(path.resolve(folder, name)).catch(() => null);
      if (file !== null && this.#folders.some((allowed) => liesIn(file, allowed))) return file;
    }
    throw new UnSAMError(
      "E_BAD_IMAGE",
      `There is no photo ${shown(name)} in the folders that may be read (${this.#folders.join(", ")}).`,
    );
  }
}

async function realFolder(folder: string): Promise<string> {
  const isFolder = await stat(folder).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (isFolder) return realpath(folder);
  throw new UnSAMError("E_IO", `There is no folder ${shown(folder)}; name one that is there.`);
}

function liesIn(file: string, folder: string): boolean {
  const inside = path.relative(folder, file);
  return inside !== "" && inside !== ".." && !inside.startsWith(`..${path.sep}`) && !path.isAbsolute(inside);
}
