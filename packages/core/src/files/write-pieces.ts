import type { Abortable } from "../abortable.js";
import { UnSAMError } from "../errors.js";
import { reasonOf, shown } from "./read.js";
import { writeWholeFile } from "./write.js";

/** Text is handed to the system in pieces of about this many characters. */
const PIECE = 4 * 2 ** 20;

/**
 * Writes a text that may be too long for one string: under a temporary name, then renamed. Throws `E_IO`, and what `signal` or
 * `pieces` throw.
 */
export async function writePieces(
  path: string,
  pieces: Iterable<string> | AsyncIterable<string>,
  signal: Abortable,
): Promise<void> {
  try {
    await writeWholeFile(path, async (file) => {
      let text = "";
      for await (const piece of pieces) {
        signal.throwIfAborted();
        if (text.length + piece.length > PIECE) {
          await file.writeFile(text);
          text = "";
        }
        text += piece;
      }
      await file.writeFile(text);
    });
  } catch (cause) {
    if (signal.aborted || UnSAMError.isInstance(cause)) throw cause;
    throw new UnSAMError("E_IO", `${shown(path)} could not be written: ${reasonOf(cause)}.`, { cause });
  }
}
