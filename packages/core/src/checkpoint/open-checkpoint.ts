import { createHash } from "node:crypto";
import path from "node:path";
import { UnSAMError } from "../errors.js";
import { shown } from "../files/index.js";
import type { Tensor } from "../tensor.js";
import { type ByteSource, FileSource } from "./byte-source.js";
import type { Checkpoint, TensorInfo } from "./checkpoint.js";
import { FormatError, namingFile, quoted } from "./format-error.js";
import { unfinishedByName } from "./other-files.js";
import { readDirectory } from "./read-directory.js";
import { fileOfPath, readShardIndex, type ShardIndex } from "./shard-index.js";
import { type CheckpointDirectory, readStoredTensor, type StoredTensor } from "./stored-tensor.js";

export interface OpenCheckpointOptions {
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens a PyTorch zip file (`.pt`) or a safetensors file, told apart by content, and reads its directory of tensors. The
 * index of a checkpoint in shards (`model.safetensors.index.json`), or the folder it lies in, opens all of them.
 *
 * @throws UnSAMError `E_BAD_CHECKPOINT` where there is no such regular file or its bytes are no checkpoint we can read,
 *   saying what they are where that can be told; `E_IO` where reading fails later; the signal's reason when aborted.
 */
export async function openCheckpoint(
  target: string,
  { signal }: OpenCheckpointOptions = {},
): Promise<Checkpoint> {
  signal?.throwIfAborted();
  const file = await fileOfPath(target);
  const parts: Part[] = [];
  try {
    const index = await openParts(file, parts, signal);
    return new OpenCheckpoint(target, parts, index);
  } catch (error) {
    for (const { source } of parts) await source.close();
    throw error;
  }
}

/** One file of a checkpoint. */
interface Part {
  readonly path: string;
  readonly source: ByteSource;
  readonly directory: CheckpointDirectory;
}

/** Opens a file, or the shards that it names, into `parts`; returns the index where it is one. */
async function openParts(
  file: string,
  parts: Part[],
  signal: AbortSignal | undefined,
): Promise<ShardIndex | null> {
  const source = await FileSource.open(file, signal);
  let index: ShardIndex | null;
  try {
    index = await namingFile(file, () => readShardIndex(source));
  } catch (error) {
    await source.close();
    throw error;
  }
  if (index === null) {
    parts.push(await partOf(file, source, signal));
    return null;
  }
  await source.close();
  for (const name of index.shards) {
    const shard = path.join(path.dirname(file), name);
    const opened = await FileSource.open(shard, signal).catch((cause) => {
      if (!UnSAMError.isInstance(cause)) throw cause;
      const all = `The index names ${index.shards.length} shards, which must lie beside it.`;
      throw new UnSAMError(cause.code, `${cause.message} ${all}`, { cause });
    });
    parts.push(await partOf(shard, opened, signal));
  }
  return index;
}

/** Reads a file's directory; the file is closed where that fails. */
async function partOf(file: string, source: ByteSource, signal: AbortSignal | undefined): Promise<Part> {
  try {
    const directory = await namingFile(file, async () => {
      try {
        return await readDirectory(source, signal);
      } catch (error) {
        if (!(error instanceof FormatError)) throw error;
        throw new FormatError(error.message + unfinishedByName(file), { cause: error });
      }
    });
    return { path: file, source, directory };
  } catch (error) {
    await source.close();
    throw error;
  }
}

interface Placed {
  readonly part: Part;
  readonly stored: StoredTensor;
}

/** Tensors of all shards, each from the shard that the index names. Throws `E_BAD_CHECKPOINT` where it is not there. */
function tensorsOf(parts: readonly Part[], index: ShardIndex | null): Map<string, Placed> {
  const tensors = new Map<string, Placed>();
  if (index === null) {
    const [part] = parts;
    for (const [name, stored] of part!.directory.tensors) tensors.set(name, { part: part!, stored });
    return tensors;
  }
  const partOf = new Map(parts.map((part) => [path.basename(part.path), part]));
  for (const [name, shard] of index.shardOf) {
    const part = partOf.get(shard)!;
    const stored = part.directory.tensors.get(name);
    if (!stored) {
      throw new UnSAMError(
        "E_BAD_CHECKPOINT",
        `Checkpoint ${shown(part.path)} holds no tensor ${quoted(name)}, though its index says so; download both again.`,
      );
    }
    tensors.set(name, { part, stored });
  }
  return tensors;
}

const fingerprintChunkBytes = 1024 * 1024;

class OpenCheckpoint implements Checkpoint {
  readonly format: Checkpoint["format"];
  readonly byteLength: number;
  readonly shards: readonly string[];
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly metadata: Checkpoint["metadata"];
  readonly #placed: ReadonlyMap<string, Placed>;
  #isOpen = true;

  constructor(
    readonly path: string,
    private readonly parts: readonly Part[],
    index: ShardIndex | null,
  ) {
    this.#placed = tensorsOf(parts, index);
    this.tensors = new Map([...this.#placed].map(([name, { stored }]) => [name, stored]));
    this.format = parts[0]!.directory.format;
    this.byteLength = parts.reduce((sum, { source }) => sum + source.byteLength, 0);
    this.shards = index?.shards ?? [];
    this.metadata = index ? {} : parts[0]!.directory.metadata;
  }

  async read(name: string): Promise<Tensor> {
    const placed = this.#placed.get(name);
    if (placed === undefined) {
      this.checkOpen();
      throw new UnSAMError(
        "E_BAD_CHECKPOINT",
        `Checkpoint ${shown(this.path)} holds no tensor ${quoted(name)}.`,
      );
    }
    const { part, stored } = placed;
    return this.whileOpen(part.path, () => readStoredTensor(part.source, stored));
  }

  async fingerprint(signal?: AbortSignal): Promise<string> {
    const hashes: string[] = [];
    for (const part of this.parts)
      hashes.push(await this.whileOpen(part.path, () => sha256(part.source, signal)));
    if (this.shards.length === 0) return hashes[0]!;
    const lines = this.shards.map((name, i) => `${hashes[i]} ${name}\n`);
    return createHash("sha256").update(lines.join("")).digest("hex");
  }

  async close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    for (const { source } of this.parts) await source.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private async whileOpen<T>(file: string, work: () => Promise<T>): Promise<T> {
    this.checkOpen();
    try {
      return await namingFile(file, work);
    } catch (error) {
      this.checkOpen(); // a handle closed under a running read fails with a system error; say what happened
      throw error;
    }
  }

  private checkOpen(): void {
    if (!this.#isOpen) {
      throw new UnSAMError("E_DISPOSED", `Checkpoint ${shown(this.path)} was closed before this call.`);
    }
  }
}

async function sha256(source: ByteSource, signal: AbortSignal | undefined): Promise<string> {
  const hash = createHash("sha256");
  const chunk = new Uint8Array(Math.min(fingerprintChunkBytes, source.byteLength));
  for (let offset = 0; offset < source.byteLength; offset += chunk.length) {
    signal?.throwIfAborted();
    const piece = chunk.subarray(0, Math.min(chunk.length, source.byteLength - offset));
    await source.readInto(piece, offset);
    hash.update(piece);
  }
  signal?.throwIfAborted();
  return hash.digest("hex");
}
