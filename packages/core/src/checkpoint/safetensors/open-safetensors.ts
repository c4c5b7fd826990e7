import { UnSAMError } from "../../errors.js";
import { type ReadOptions, shown } from "../../files/index.js";
import type { Limits } from "../../limits/index.js";
import type { Tensor } from "../../tensor.js";
import { FileSource } from "../byte-source.js";
import type { TensorInfo } from "../checkpoint.js";
import { FormatError, isSystemError, quoted } from "../format-error.js";
import { readStoredTensor } from "../stored-tensor.js";
import { readSafetensors } from "./read-safetensors.js";

/** An open safetensors file that is no checkpoint: its directory is read, its tensors are when they are asked for. */
export interface SafetensorsFile {
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly metadata: Readonly<Record<string, string>>;
  /** As float32. */
  read(name: string): Promise<Tensor>;
  close(): Promise<void>;
}

export interface OpenSafetensorsOptions
  extends Pick<ReadOptions, "what" | "code">,
    Pick<Limits, "maxHeaderBytes"> {
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens one safetensors file, and nothing else that a checkpoint may be. Its header is read whole, if it is no longer than
 * `maxHeaderBytes` (default 16 MiB). Throws the code of the options, or the signal's reason.
 */
export async function openSafetensors(
  path: string,
  options: OpenSafetensorsOptions,
): Promise<SafetensorsFile> {
  const { what, code = "E_IO", signal, maxHeaderBytes } = options;
  const naming = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (cause) {
      if (!(cause instanceof FormatError || isSystemError(cause))) throw cause;
      throw new UnSAMError(code, `${what} ${shown(path)} cannot be read: ${cause.message}`, { cause });
    }
  };
  const source = await FileSource.open(path, signal, { what, code });
  try {
    const { tensors, metadata } = await naming(() => readSafetensors(source, maxHeaderBytes));
    const read = (name: string) =>
      naming(async () => {
        const stored = tensors.get(name);
        if (!stored) throw new FormatError(`it holds no tensor ${quoted(name)}.`);
        return readStoredTensor(source, stored);
      });
    return { tensors, metadata, read, close: () => source.close() };
  } catch (error) {
    await source.close();
    throw error;
  }
}
