import { createHash } from "node:crypto";
import { UnSAMError } from "../errors.js";
import type { Tensor } from "../tensor.js";
import { type ByteSource, FileSource } from "./byte-source.js";
import type { Checkpoint } from "./checkpoint.js";
import { namingFile, quoted } from "./format-error.js";
import { readDirectory } from "./read-directory.js";
import { type CheckpointDirectory, readStoredTensor } from "./stored-tensor.js";

export interface OpenCheckpointOptions {
  readonly signal?: AbortSignal;
}

/**
 * Opens a PyTorch zip file (`.pt`) or a safetensors file, told apart by content, and reads its directory of tensors.
 *
 * @throws UnSAMError `E_BAD_CHECKPOINT` where the path is no regular file or its bytes are no checkpoint we can read;
 *   `E_IO` where the system refuses to read it (permissions, hardware); the signal's reason when aborted.
 */
export async function openCheckpoint(path: string, options: OpenCheckpointOptions = {}): Promise<Checkpoint> {
  const { signal } = options;
  signal?.throwIfAborted();
  return namingFile(path, async () => {
    const source = await FileSource.open(path);
    try {
      const directory = await readDirectory(source, signal);
      return new OpenCheckpoint(path, source, directory);
    } catch (error) {
      await source.close();
      throw error;
    }
  });
}

const fingerprintChunkBytes = 1024 * 1024;

class OpenCheckpoint implements Checkpoint {
  readonly format: Checkpoint["format"];
  readonly byteLength: number;
  readonly tensors: CheckpointDirectory["tensors"];
  readonly metadata: Checkpoint["metadata"];
  private isOpen = true;

  constructor(
    readonly path: string,
    private readonly source: ByteSource,
    directory: CheckpointDirectory,
  ) {
    this.format = directory.format;
    this.byteLength = source.byteLength;
    this.tensors = directory.tensors;
    this.metadata = directory.metadata;
  }

  async read(name: string): Promise<Tensor> {
    const stored = this.tensors.get(name);
    if (stored === undefined) {
      this.checkOpen();
      throw new UnSAMError("E_BAD_CHECKPOINT", `Checkpoint ${this.path} holds no tensor ${quoted(name)}.`);
    }
    return this.whileOpen(() => readStoredTensor(this.source, stored));
  }

  async fingerprint(signal?: AbortSignal): Promise<string> {
    return this.whileOpen(async () => {
      const hash = createHash("sha256");
      const chunk = new Uint8Array(Math.min(fingerprintChunkBytes, this.byteLength));
      for (let offset = 0; offset < this.byteLength; offset += chunk.length) {
        signal?.throwIfAborted();
        const piece = chunk.subarray(0, Math.min(chunk.length, this.byteLength - offset));
        await this.source.readInto(piece, offset);
        hash.update(piece);
      }
      signal?.throwIfAborted();
      return hash.digest("hex");
    });
  }

  async close(): Promise<void> {
    if (!this.isOpen) return;
    this.isOpen = false;
    await this.source.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private async whileOpen<T>(work: () => Promise<T>): Promise<T> {
    this.checkOpen();
    try {
      return await namingFile(this.path, work);
    } catch (error) {
      this.checkOpen(); // a handle closed under a running read fails with a system error; say what happened
      throw error;
    }
  }

  private checkOpen(): void {
    if (!this.isOpen) {
      throw new UnSAMError("E_DISPOSED", `Checkpoint ${this.path} was closed before this call.`);
    }
  }
}
