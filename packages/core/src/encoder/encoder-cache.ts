import { createHash, randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { z } from "zod";
import { UnSAMError } from "../errors.js";
import { MODEL_FILE, WEIGHTS_FILE, type WrittenFile, writeModel } from "../graph/index.js";
import type { NetworkModel } from "../models/index.js";

/** Part of the cache's key: to be raised with every change to the graphs in `models/`. */
const GRAPH_VERSION = 1;

const MANIFEST_FILE = "manifest.json";
const UNFINISHED = ".unfinished-";
/** Unfinished folders older than this were left by a process that died. */
const ABANDONED_MS = 24 * 60 * 60 * 1000;

const manifestSchema = z.object({
  files: z.tuple([fileSchema(MODEL_FILE), fileSchema(WEIGHTS_FILE)]),
});

function fileSchema<Name extends string>(name: Name) {
  return z.object({ name: z.literal(name), byteLength: z.number(), sha256: z.string() });
}

/** An encoder on disk, ready for ONNX Runtime. */
export interface BuiltEncoder {
  /** Path of the `.onnx` file; its weights lie beside it. */
  readonly modelPath: string;
  /** "found" in the cache, "built" into it, or "temporary": the cache could not be written. */
  readonly origin: "found" | "built" | "temporary";
  /** Removes the files where they are temporary. */
  dispose(): Promise<void>;
}

/**
 * The model's image encoder as ONNX files, from the cache where it holds them undamaged, else built into it. Several
 * processes may do this at once: a folder appears in the cache whole or not at all. Where the cache cannot be written,
 * the files go to the system's temporary folder until `dispose`.
 * `fingerprint` is the checkpoint's SHA-256. Throws `E_IO` where nothing can be written at all.
 */
export async function buildEncoder(
  model: NetworkModel,
  fingerprint: string,
  cacheDir: string,
  signal?: AbortSignal,
): Promise<BuiltEncoder> {
  const folder = path.join(cacheDir, `encoder-${cacheKey(model, fingerprint)}`);
  const kept = (origin: "found" | "built"): BuiltEncoder => ({
    modelPath: path.join(folder, MODEL_FILE),
    origin,
    dispose: async () => {},
  });
  if (await isIntact(folder, signal)) return kept("found");
  try {
    await makeFolder(cacheDir);
    await removeAbandoned(cacheDir);
    const unfinished = path.join(cacheDir, `${UNFINISHED}${randomUUID()}`);
    try {
      await write(model, unfinished, signal);
      await publish(unfinished, folder, signal);
      return kept("built");
    } finally {
      await rm(unfinished, { recursive: true, force: true });
    }
  } catch (error) {
    if (!isFileSystemError(error)) throw error;
    return buildTemporary(model, error, signal);
  }
}

function cacheKey(model: NetworkModel, fingerprint: string): string {
  const content = JSON.stringify([GRAPH_VERSION, fingerprint, model.config]);
  return createHash("sha256").update(content).digest("hex");
}

/**
 * Creates a folder and what is missing above it. Node's own recursive `mkdir` never returns where a parent exists but
 * answers ENOENT to every new entry, as file systems of the kernel do.
 */
async function makeFolder(folder: string): Promise<void> {
  if (await stat(folder).catch(() => null)) return;
  const parent = path.dirname(folder);
  if (parent !== folder) await makeFolder(parent);
  await mkdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
}

async function write(model: NetworkModel, folder: string, signal?: AbortSignal): Promise<void> {
  await mkdir(folder);
  const files = await writeModel(model.imageEncoder, folder, signal);
  await writeFile(path.join(folder, MANIFEST_FILE), JSON.stringify({ files }, null, 1));
}

/** Moves a finished folder to its place. What lies there already stays if it is whole (another process was faster). */
async function publish(finished: string, folder: string, signal?: AbortSignal): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await rename(finished, folder);
    } catch (error) {
      if (attempt === 3) throw error;
      if (await isIntact(folder, signal)) return;
      // Out of the way first: removing in place could meet a process that is moving its own folder there.
      const damaged = path.join(path.dirname(folder), `${UNFINISHED}${randomUUID()}`);
      await rename(folder, damaged).catch(() => {});
      await rm(damaged, { recursive: true, force: true });
    }
  }
}

async function buildTemporary(
  model: NetworkModel,
  reason: unknown,
  signal?: AbortSignal,
): Promise<BuiltEncoder> {
  let parent: string | undefined;
  const dispose = async (): Promise<void> => {
    if (parent) await rm(parent, { recursive: true, force: true });
  };
  try {
    parent = await mkdtemp(path.join(tmpdir(), "unsam-encoder-"));
    const folder = path.join(parent, "encoder");
    await write(model, folder, signal);
    return { modelPath: path.join(folder, MODEL_FILE), origin: "temporary", dispose };
  } catch (error) {
    await dispose();
    if (!isFileSystemError(error)) throw error;
    throw new UnSAMError(
      "E_IO",
      `The image encoder could not be written to the cache (${String(reason)}) nor to the temporary folder ` +
        `(${String(error)}); free some space or choose another cacheDir.`,
      { cause: error },
    );
  }
}

/** Whether both files are there with the content the manifest tells. */
async function isIntact(folder: string, signal?: AbortSignal): Promise<boolean> {
  try {
    const manifest = manifestSchema.parse(
      JSON.parse(await readFile(path.join(folder, MANIFEST_FILE), "utf8")),
    );
    for (const file of manifest.files) if (!(await hasContent(folder, file, signal))) return false;
    return true;
  } catch {
    signal?.throwIfAborted();
    return false;
  }
}

async function hasContent(folder: string, expected: WrittenFile, signal?: AbortSignal): Promise<boolean> {
  const file = path.join(folder, expected.name);
  if ((await stat(file)).size !== expected.byteLength) return false;
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file, { highWaterMark: 2 ** 20, signal })) hash.update(chunk);
  return hash.digest("hex") === expected.sha256;
}

async function removeAbandoned(cacheDir: string): Promise<void> {
  for (const name of await readdir(cacheDir)) {
    if (!name.startsWith(UNFINISHED)) continue;
    const folder = path.join(cacheDir, name);
    const age = await stat(folder).then(
      (info) => Date.now() - info.mtimeMs,
      () => 0,
    );
    if (age > ABANDONED_MS) await rm(folder, { recursive: true, force: true });
  }
}

function isFileSystemError(error: unknown): boolean {
  return error instanceof Error && "syscall" in error;
}
