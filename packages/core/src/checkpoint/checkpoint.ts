import type { Tensor } from "../tensor.js";

export type DType =
  | "float64"
  | "float32"
  | "float16"
  | "bfloat16"
  | "int64"
  | "int32"
  | "int16"
  | "int8"
  | "uint8"
  | "bool";

export interface TensorInfo {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/**
 * An open checkpoint file. Only its directory of tensors is in memory; values are read when asked for.
 * The file is untrusted: nothing in it is executed, and no number in it sizes an allocation before it was
 * checked against the bytes that are there.
 */
export interface Checkpoint extends AsyncDisposable {
  readonly path: string;
  readonly format: "pt" | "safetensors";
  /** Size of the file in bytes. */
  readonly byteLength: number;
  /** Every tensor under the official name (for `.pt`: the entries under the key `model`, or the bare state dict). */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /** Strings stored beside the tensors (safetensors `__metadata__`); empty for `.pt`. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Reads one tensor as float32 in C order. Throws `E_BAD_CHECKPOINT` for an unknown name or a damaged record. */
  read(name: string): Promise<Tensor>;
  /** SHA-256 of the file's bytes, lower-case hex. */
  fingerprint(signal?: AbortSignal): Promise<string>;
  close(): Promise<void>;
}
