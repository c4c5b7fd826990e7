import { type ByteSource, readBytes } from "../byte-source.js";
import { FormatError, quoted } from "../format-error.js";
import type { CheckpointDirectory, StoredTensor } from "../stored-tensor.js";
import { collectTensors } from "./collect-tensors.js";
import { explainArchive } from "./other-archives.js";
import { ForeignTensor } from "./pickle/pickle-values.js";
import { unpickle } from "./pickle/unpickle.js";
import { placeView, type StorageBytes, unreadable } from "./place-view.js";
import { readZipDirectory, type ZipRecord } from "./zip-directory.js";

/** The pickle of a thousand tensors takes about 200 kB; optimizer state triples that. */
const maximumPickleBytes = 16 * 1024 * 1024;

/** Reads and checks the directory of a file written by `torch.save` (PyTorch 1.6 or newer). Throws `FormatError`. */
export async function readPyTorch(source: ByteSource, signal?: AbortSignal): Promise<CheckpointDirectory> {
  const records = await readZipDirectory(source, signal);
  const prefix = findPrefix(records);
  await checkByteOrder(source, records.get(`${prefix}byteorder`));
  const root = await unpickle(await readPickle(source, records.get(`${prefix}data.pkl`)!), signal);
  const storages = new Map<string, StorageBytes>();
  const tensors = new Map<string, StoredTensor>();
  for (const [name, view] of await collectTensors(root, signal)) {
    signal?.throwIfAborted();
    if (view instanceof ForeignTensor) {
      tensors.set(name, unreadable(name, view));
      continue;
    }
    const { key } = view.storage;
    const bytes = storages.get(key) ?? (await locateStorage(records, `${prefix}data/${key}`, name));
    storages.set(key, bytes);
    tensors.set(name, placeView(name, view, bytes, source.byteLength));
  }
  return { format: "pt", tensors, metadata: {} };
}

/** All records lie in one folder: the file's stem, `archive`, or anything else. */
function findPrefix(records: ReadonlyMap<string, ZipRecord>): string {
  const names = [...records.keys()];
  const other = explainArchive(names);
  if (other !== null) throw new FormatError(other);
  const pickles = names.filter((name) => /^[^/]+\/data\.pkl$/.test(name));
  if (pickles.length !== 1) {
    throw new FormatError(
      `it is a zip archive with ${pickles.length} records FOLDER/data.pkl, where torch.save writes one.`,
    );
  }
  return pickles[0]!.slice(0, -"data.pkl".length);
}

async function readPickle(source: ByteSource, record: ZipRecord): Promise<Uint8Array> {
  if (record.byteLength > maximumPickleBytes) {
    throw new FormatError(`its pickle has ${record.byteLength} bytes; the limit is ${maximumPickleBytes}.`);
  }
  return readBytes(source, await record.locate(), record.byteLength);
}

/** Newer files name the byte order of their storages; without it they are little-endian. */
async function checkByteOrder(source: ByteSource, record: ZipRecord | undefined): Promise<void> {
  if (record === undefined) return;
  const bytes = await readBytes(source, await record.locate(), Math.min(record.byteLength, 16));
  const order = Buffer.from(bytes).toString("latin1");
  if (order !== "little")
    throw new FormatError(`its byte order is ${quoted(order)}; only "little" can be read.`);
}

async function locateStorage(
  records: ReadonlyMap<string, ZipRecord>,
  name: string,
  tensor: string,
): Promise<StorageBytes> {
  const record = records.get(name);
  if (record === undefined) {
    throw new FormatError(
      `the storage of tensor ${quoted(tensor)} is the zip record ${quoted(name)}, which is absent.`,
    );
  }
  return { byteOffset: await record.locate(), byteLength: record.byteLength };
}
