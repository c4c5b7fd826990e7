import { UnSAMError } from "../errors.js";
import { shown } from "../files/index.js";

/**
 * What a parser throws when bytes are not what their format asks for. It knows the reason but not the file;
 * `namingFile` turns it into the error a caller sees.
 */
export class FormatError extends Error {
  override readonly name = "FormatError";
}

/** Runs `work` and puts the file's path into what it throws: `E_BAD_CHECKPOINT` for malformed bytes, `E_IO` for system errors. */
export async function namingFile<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof FormatError) {
      throw new UnSAMError("E_BAD_CHECKPOINT", `Checkpoint ${shown(path)} cannot be used: ${error.message}`, {
        cause: error,
      });
    }
    if (isSystemError(error)) {
      throw new UnSAMError("E_IO", `Checkpoint ${shown(path)} could not be read: ${error.message}.`, {
        cause: error,
      });
    }
    throw error;
  }
}

export function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "syscall" in error && "code" in error;
}

/** A piece of untrusted text for a message: quoted, control characters escaped, at most 120 characters. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 120 ? `${text.slice(0, 120)}…` : text);
}
