import { randomUUID } from "node:crypto";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { UnSAMError } from "./errors.js";

/**
 * Writes a file that appears under `path` only when it is whole: until then its bytes go to a temporary file in the
 * same folder, which is removed on failure. Throws what `write` and the system throw.
 */
export async function writeWholeFile(
  path: string,
  write: (file: FileHandle) => Promise<void>,
): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  const file = await open(temporary, "wx");
  try {
    try {
      await write(file);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Writes content to a file whole or not at all. Throws `E_IO`. */
export async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  try {
    await writeWholeFile(path, (file) => file.writeFile(content));
  } catch (cause) {
    throw new UnSAMError("E_IO", `${path} could not be written: ${(cause as Error).message}`, { cause });
  }
}
