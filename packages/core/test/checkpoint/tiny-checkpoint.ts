import { readAll } from "./in-memory.js";
import { dict, type PickleBytes, pickle, stateDict, tensor } from "./pickle-writer.js";
import { type ZipEntryToWrite, type ZipLayout, zipArchive } from "./zip-writer.js";

export interface TinyCheckpoint extends ZipLayout {
  readonly root: PickleBytes | Uint8Array;
  /** Bytes of each storage, by key. */
  readonly storages?: Readonly<Record<string, ArrayBufferView>>;
  readonly prefix?: string;
  readonly extraRecords?: readonly ZipEntryToWrite[];
}

/** A `.pt` file as torch.save writes it. */
export function tinyCheckpoint({
  root,
  storages = {},
  prefix = "archive",
  extraRecords = [],
  ...layout
}: TinyCheckpoint) {
  return zipArchive(
    [
      { name: `${prefix}/data.pkl`, data: root instanceof Uint8Array ? root : pickle(root) },
      ...Object.entries(storages).map(([key, view]) => ({
        name: `${prefix}/data/${key}`,
        data: bytesOf(view),
      })),
      { name: `${prefix}/version`, data: Buffer.from("3\n") },
      ...extraRecords,
    ],
    layout,
  );
}

function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

/** Six numbers in one storage, and the matrix of 2 x 3 that most tests read from it. */
export const six = { type: "FloatStorage", key: "0", elements: 6 };
export const storages = { 0: Float32Array.of(0, 1, 2, 3, 4, 5) };
export const weight = tensor({ storage: six, shape: [2, 3], strides: [3, 1] });
export const value = { values: [0, 1, 2, 3, 4, 5], shape: [2, 3] };

/** All tensors of a checkpoint; what is left out is that of `weight`. */
export function readTiny(checkpoint: Partial<TinyCheckpoint>) {
  return readAll(tinyCheckpoint({ root: stateDict([["weight", weight]]), storages, ...checkpoint }));
}

/** The one tensor of a checkpoint. */
export function readTensor(value: PickleBytes) {
  return readTiny({ root: dict([["t", value]]) }).then((all) => all.t);
}
