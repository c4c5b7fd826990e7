import path from "node:path";
import { z } from "zod";
import { makeFolder, readFileJson, writeWhole } from "../files/index.js";

/** What a name whose file was not known meant when it was first fetched here. */
export interface RememberedFile {
  readonly file: string;
  readonly commit: string;
  readonly bytes: number;
  readonly sha256: string;
}

const schema = z.object({
  file: z.string(),
  commit: z.string(),
  bytes: z.number(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

function fileOf(cacheDir: string, name: string): string {
  return path.join(cacheDir, "models", `${name}.json`);
}

/** null: nothing is remembered, or it cannot be read. */
export async function rememberedFile(cacheDir: string, name: string): Promise<RememberedFile | null> {
  const file = fileOf(cacheDir, name);
  const json = await readFileJson(file, { what: "The memory", maxBytes: 65_536 }).catch(() => null);
  return schema.safeParse(json).data ?? null;
}

/** Where the cache folder cannot be written, nothing is remembered. */
export async function rememberFile(cacheDir: string, name: string, what: RememberedFile): Promise<void> {
  const file = fileOf(cacheDir, name);
  await makeFolder(path.dirname(file)).catch(() => {});
  await writeWhole(file, `${JSON.stringify(what, null, 2)}\n`).catch(() => {});
}
