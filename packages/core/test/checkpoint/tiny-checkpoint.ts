import { type PickleBytes, pickle } from "./pickle-writer.js";
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
