import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, lstat, mkdir, open, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { UnSAMError } from "../errors.js";
import { isOurs, makePrivateFolder, reasonOf, removeLeftovers, temporaryPath } from "../files/index.js";
import { isWrittenModel, MODEL_FILE, WEIGHTS_FILE, writeModel } from "../graph/index.js";
import type { NetworkModel } from "../models/index.js";

/** To be raised with every change to the graphs in `models/`, so that versions of this package do not replace each other's. */
const GRAPH_VERSION = 2;

/** An encoder on disk, ready for ONNX Runtime. */
export interface BuiltEncoder {
  /** Path of the `.onnx` file; its weights lie beside it. */
  readonly modelPath: string;
  /** "found" in the cache, "built" into it, or "temporary": the cache could not be used. */
  readonly origin: "found" | "built" | "temporary";
  /** Removes the files where they are temporary. */
  dispose(): Promise<void>;
}

/**
 * The model's image encoder as ONNX files, from the cache where it holds exactly what would be built, else built into it.
 * Several processes may do this at once: a folder appears in the cache whole or not at all. Where the cache cannot be
 * written, or others may write to it (docs/decisions/0017), the files go to a temporary folder until `dispose`.
 * `fingerprint` is that of the weights. Throws `E_IO` where nothing can be written at all.
 */
export async function buildEncoder(
  model: NetworkModel,
  fingerprint: string,
  cacheDir: string,
  signal?: AbortSignal,
): Promise<BuiltEncoder> {
  const folder = path.join(path.resolve(cacheDir), `encoder-${cacheKey(model, fingerprint)}`);
  const kept = (origin: "found" | "built"): BuiltEncoder => ({
    modelPath: path.join(folder, MODEL_FILE),
    origin,
    dispose: async () => {},
  });
  const unsafe = await makePrivateFolder(cacheDir).catch((cause: Error) => cause);
  if (unsafe) return buildTemporary(model, unsafe, signal);
  try {
    if (await isIntact(model, folder, signal)) return kept("found");
    await removeLeftovers(cacheDir);
    const unfinished = temporaryPath(cacheDir);
    try {
      await write(model, unfinished, signal);
      await publish(model, unfinished, folder, signal);
      return kept("built");
    } finally {
      await rm(unfinished, { recursive: true, force: true });
    }
  } catch (error) {
    if (!isOfSystem(error)) throw error;
    return buildTemporary(model, error, signal);
  }
}

function cacheKey(model: NetworkModel, fingerprint: string): string {
  const content = JSON.stringify([GRAPH_VERSION, fingerprint, model.config]);
  return createHash("sha256").update(content).digest("hex");
}

async function write(model: NetworkModel, folder: string, signal?: AbortSignal): Promise<void> {
  await mkdir(folder, { mode: 0o700 });
  await writeModel(model.imageEncoder, folder, signal);
}

/** Moves a finished folder to its place. What lies there already stays if it is whole (another process was faster). */
async function publish(
  model: NetworkModel,
  finished: string,
  folder: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await rename(finished, folder);
    } catch (error) {
      if (attempt === 3) throw error;
      if (await isIntact(model, folder, signal)) return;
      // Out of the way first: removing in place could meet a process that is moving its own folder there.
      const damaged = temporaryPath(path.dirname(folder));
      await rename(folder, damaged).catch(() => {});
      await rm(damaged, { recursive: true, force: true });
    }
  }
}

async function buildTemporary(
  model: NetworkModel,
  reason: Error,
  signal: AbortSignal | undefined,
): Promise<BuiltEncoder> {
  const folder = temporaryPath(tmpdir());
  const dispose = () => rm(folder, { recursive: true, force: true });
  try {
    // A process that was killed could not dispose of its own.
    await removeLeftovers(tmpdir());
    await write(model, folder, signal);
    return { modelPath: path.join(folder, MODEL_FILE), origin: "temporary", dispose };
  } catch (error) {
    await dispose();
    if (!isOfSystem(error)) throw error;
    throw new UnSAMError(
      "E_IO",
      `The image encoder could be written neither to the cache (${reasonOf(reason)}) nor to the temporary folder ` +
        `(${reasonOf(error)}); free some space or choose another cacheDir.`,
      { cause: error },
    );
  }
}

/**
 * Whether a folder of the cache is ours and holds, byte for byte, what would be built of these weights. Sums kept beside
 * the files would prove nothing: whoever plants files plants their sums.
 */
async function isIntact(model: NetworkModel, folder: string, signal?: AbortSignal): Promise<boolean> {
  const files: FileHandle[] = [];
  try {
    const found = await lstat(folder);
    if (!found.isDirectory() || !isOurs(found)) return false;
    for (const name of [MODEL_FILE, WEIGHTS_FILE]) {
      const flags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOFOLLOW ?? 0);
      const file = await open(path.join(folder, name), flags);
      files.push(file);
      const stats = await file.stat();
      if (!stats.isFile() || !isOurs(stats)) return false;
    }
    const [modelFile, weights] = files;
    return await isWrittenModel(model.imageEncoder, { model: modelFile, weights }, signal);
  } catch (error) {
    signal?.throwIfAborted();
    if (isOfSystem(error)) return false;
    throw error;
  } finally {
    for (const file of files) await file.close();
  }
}

function isOfSystem(error: unknown): error is Error {
  return error instanceof Error && "syscall" in error;
}
