import type { FileHandle } from "node:fs/promises";
import { UnSAMError } from "../../errors.js";
import { writeWholeFile } from "../../files/index.js";
import { bytesPerElement, checkedElementCount } from "../dtype.js";
import { isSystemError, quoted } from "../format-error.js";
import { numberToFloat16 } from "../half-precision.js";
import { tagOfDtype } from "./dtype-tags.js";
import { lengthFieldBytes, maximumHeaderBytes } from "./layout.js";

/** A tensor to write, in C order. `float16` takes float32 values and rounds them to nearest, ties to even. */
export type TensorToWrite = { readonly name: string; readonly shape: readonly number[] } & (
  | { readonly dtype: "float32" | "float16"; readonly data: Float32Array }
  | { readonly dtype: "int32"; readonly data: Int32Array }
  | { readonly dtype: "uint8"; readonly data: Uint8Array }
);

/**
 * Writes a safetensors file. It appears under `path` only when it is whole: until then its bytes go to a temporary
 * file in the same folder, which is removed on failure.
 *
 * @throws UnSAMError `E_BAD_OPTION` for a tensor whose name, shape and data do not go together, `E_IO` where the
 *   system refuses to write.
 */
export async function writeSafetensors(
  path: string,
  tensors: Iterable<TensorToWrite>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  const ordered = inStorageOrder(tensors);
  const header = encodeHeader(ordered, metadata);
  try {
    await writeWholeFile(path, async (file) => {
      await file.writeFile(header);
      for (const tensor of ordered) await writeData(file, tensor);
    });
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw new UnSAMError("E_IO", `File ${path} could not be written: ${error.message}.`, { cause: error });
  }
}

/** Widest elements first, so that without holes every tensor begins at a multiple of its element's size. */
function inStorageOrder(tensors: Iterable<TensorToWrite>): TensorToWrite[] {
  const ordered = [...tensors].sort((a, b) => bytesPerElement[b.dtype] - bytesPerElement[a.dtype]);
  const names = new Set<string>();
  for (const tensor of ordered) {
    if (names.has(tensor.name)) throw badTensor(tensor, "is given twice");
    if (tensor.name === "__metadata__") throw badTensor(tensor, "has the name the format keeps for metadata");
    const count = checkedElementCount(tensor.shape);
    if (count !== tensor.data.length) {
      throw badTensor(
        tensor,
        `of shape [${tensor.shape.join(", ")}] cannot hold ${tensor.data.length} elements`,
      );
    }
    names.add(tensor.name);
  }
  return ordered;
}

function badTensor(tensor: TensorToWrite, problem: string): UnSAMError {
  return new UnSAMError("E_BAD_OPTION", `Tensor ${quoted(tensor.name)} to be written ${problem}.`);
}

/** Length field and JSON, padded with spaces so that the data begins at a multiple of 8 bytes. */
function encodeHeader(
  tensors: readonly TensorToWrite[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const entries: [string, unknown][] = Object.keys(metadata).length > 0 ? [["__metadata__", metadata]] : [];
  let offset = 0;
  for (const { name, dtype, shape, data } of tensors) {
    const end = offset + data.length * bytesPerElement[dtype];
    entries.push([name, { dtype: tagOfDtype[dtype], shape, data_offsets: [offset, end] }]);
    offset = end;
  }
  const json = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  const padded = Math.ceil(json.length / 8) * 8;
  if (padded > maximumHeaderBytes) {
    throw new UnSAMError(
      "E_BAD_OPTION",
      `A safetensors header of ${padded} bytes exceeds ${maximumHeaderBytes}.`,
    );
  }
  const header = Buffer.alloc(lengthFieldBytes + padded, " ");
  header.writeBigUInt64LE(BigInt(padded), 0);
  json.copy(header, lengthFieldBytes);
  return header;
}

/** Elements rounded between two turns of the event loop: about a millisecond. */
const elementsPerTurn = 64 * 1024;

async function writeData(file: FileHandle, { dtype, data }: TensorToWrite): Promise<void> {
  if (dtype !== "float16") {
    // As in reading: these machines are little-endian, as the format is.
    await file.writeFile(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    return;
  }
  for (let start = 0; start < data.length; start += elementsPerTurn) {
    const halves = new Uint16Array(Math.min(elementsPerTurn, data.length - start));
    for (let i = 0; i < halves.length; i++) halves[i] = numberToFloat16(data[start + i]!);
    await file.writeFile(new Uint8Array(halves.buffer));
  }
}
