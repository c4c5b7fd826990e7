/// <reference types="node" preserve="true" />
import type { Tensor } from "../tensor.js";

/** Kinds of element whose values can be read. */
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
  /** A `DType` where `isReadable`; else how the file names what is stored (float8, complex, quantised, sparse …). */
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Whether `read` gives its values. Others do no harm as long as nobody asks for them. */
  readonly isReadable: boolean;
}

/**
 * An open checkpoint: one file, or several shards with an index. Only its directory of tensors is in memory; values are
 * read when asked for. The files are untrusted: nothing in them is executed, and no number in them sizes an allocation
 * before it was checked against the bytes that are there.
 */
export interface Checkpoint extends AsyncDisposable {
  readonly path: string;
  readonly format: "pt" | "safetensors";
  /** Size of the file, or of all shards, in bytes. */
  readonly byteLength: number;
  /** Names of the shards' files in the index's folder; empty where the checkpoint is one file. */
  readonly shards: readonly string[];
  /** Every tensor under its full name: the keys of the dicts it lies in (`.pt`) and its own, joined with dots. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /** Strings stored beside the tensors (safetensors `__metadata__` of a single file); empty otherwise. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Reads one tensor as float32 in C order. Throws `E_BAD_CHECKPOINT` for an unknown name or a damaged record. */
  read(name: string): Promise<Tensor>;
  /** SHA-256 of the file's bytes, lower-case hex; of shards that of the lines "<SHA-256> <name>", sorted by name. */
  fingerprint(signal?: AbortSignal): Promise<string>;
  close(): Promise<void>;
}
