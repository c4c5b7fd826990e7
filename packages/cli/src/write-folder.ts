import { mkdir } from "node:fs/promises";
import path from "node:path";
import { writeWhole } from "@unsam/core/files";
import { UnSAMError } from "@unsam/sdk";

/** Writes files into a folder, which is made if it is missing; each one whole or not at all. Throws `E_IO`. */
export async function writeFolder(folder: string, files: ReadonlyMap<string, Uint8Array>): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (cause) {
    throw new UnSAMError("E_IO", `The folder ${folder} could not be made: ${(cause as Error).message}`, {
      cause,
    });
  }
  for (const [name, content] of files) await writeWhole(path.join(folder, name), content);
}
