import path from "node:path";
import { makeFolder, writeWhole } from "@unsam/core/files";

/** Writes files into a folder, which is made if it is missing; each one whole or not at all. Throws `E_IO`. */
export async function writeFolder(folder: string, files: ReadonlyMap<string, Uint8Array>): Promise<void> {
  await makeFolder(folder);
  for (const [name, content] of files) await writeWhole(path.join(folder, name), content);
}
