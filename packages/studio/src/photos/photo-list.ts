import { stat } from "node:fs/promises";
import path from "node:path";
import { lookAtFile, notTakenSentence, photosIn, readFileBytes, reasonOf, shown } from "@unsam/core/files";
import { UnSAMError } from "@unsam/sdk";

/** The photos that the user named on the command line: one, or those of a folder. */
export class PhotoList {
  /** Names for people. */
  readonly names: readonly string[];
  readonly notes: readonly string[];
  readonly #folder: string;

  private constructor(folder: string, names: readonly string[], notes: readonly string[]) {
    this.#folder = folder;
    this.names = names;
    this.notes = notes;
  }

  /** Throws `E_IO`; `E_BAD_IMAGE` for what is neither a file nor a folder. */
  static async open(given: string | undefined, signal?: AbortSignal): Promise<PhotoList> {
    signal?.throwIfAborted();
    if (given === undefined) return new PhotoList(".", [], []);
    const found = await stat(given).catch((cause) => {
      throw new UnSAMError("E_IO", `${shown(given)} cannot be opened: ${reasonOf(cause)}.`, { cause });
    });
    if (!found.isDirectory()) {
      await lookAtFile(given, { what: "The photo", code: "E_BAD_IMAGE", signal });
      return new PhotoList(path.dirname(given), [path.basename(given)], []);
    }
    const inside = await photosIn(given);
    const note = notTakenSentence(inside);
    return new PhotoList(given, inside.photos, note === null ? [] : [note]);
  }

  /** The bytes of photo `index`; null: there is none. Throws `E_IO`. */
  async read(index: number, signal: AbortSignal): Promise<Uint8Array | null> {
    const name = this.names[index];
    if (name === undefined) return null;
    const file = path.join(this.#folder, name);
    return readFileBytes(file, { what: "The photo", code: "E_BAD_IMAGE", signal });
  }
}
