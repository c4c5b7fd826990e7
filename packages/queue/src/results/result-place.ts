import type { ResultFormat } from "./result-formats.js";

/** Where results are put, each under a name that says what it was made of: so one that is there is the right one. */
export interface ResultPlace {
  /** Throws `E_IO` where nothing can be put there. */
  prepare(signal: AbortSignal): Promise<void>;
  has(id: string, format: ResultFormat, signal: AbortSignal): Promise<boolean>;
  /** Puts a file there whole or not at all, whoever else does the same. `write` writes it where it is told. */
  put(id: string, format: ResultFormat, write: WriteFile, signal: AbortSignal): Promise<void>;
}

export type WriteFile = (file: string) => Promise<void>;

/** The folder of a result in a place: 256 share them, so that none holds a million. */
export function folderOf(id: string): string {
  return id.slice(0, 2);
}

export function fileNameOf(id: string, format: ResultFormat): string {
  return `${id}.${format.name}`;
}
