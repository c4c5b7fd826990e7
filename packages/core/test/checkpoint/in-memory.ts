import { MemorySource } from "#core/checkpoint/byte-source.js";
import { readDirectory } from "#core/checkpoint/read-directory.js";
import { readStoredTensor, type StoredTensor } from "#core/checkpoint/stored-tensor.js";

export interface ReadTensor {
  readonly values: number[];
  readonly shape: readonly number[];
}

/** Every tensor of a checkpoint given as bytes. */
export async function readAll(bytes: Uint8Array): Promise<Record<string, ReadTensor>> {
  const source = new MemorySource(bytes);
  const { tensors } = await readDirectory(source);
  const all: [string, ReadTensor][] = [];
  for (const stored of tensors.values()) all.push([stored.name, await readOne(source, stored)]);
  return Object.fromEntries(all); // defines `__proto__` as an ordinary key
}

async function readOne(source: MemorySource, stored: StoredTensor): Promise<ReadTensor> {
  const { data, shape } = await readStoredTensor(source, stored);
  return { values: [...data], shape };
}
