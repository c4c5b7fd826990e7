import type { DType } from "../checkpoint.js";
import { bytesPerElement, checkedElementCount } from "../dtype.js";
import { FormatError, quoted } from "../format-error.js";
import { maximumRank, type PlacedTensor, type UnreadableTensor } from "../stored-tensor.js";
import {
  ForeignDType,
  type ForeignTensor,
  type PickleTuple,
  type PickleValue,
  type StorageReference,
  type TensorView,
} from "./pickle/pickle-values.js";

/** The bytes of a storage: a record of the zip archive. */
export interface StorageBytes {
  readonly byteOffset: number;
  readonly byteLength: number;
}

/** Checks a view against the true size of its storage's record, and places it in the file. */
export function placeView(
  name: string,
  view: TensorView,
  bytes: StorageBytes,
  fileBytes: number,
): PlacedTensor {
  const what = `tensor ${quoted(name)}`;
  const { dtype, offset } = view;
  const elements = storageElements(what, view.storage, dtype, bytes);
  const shape = sizes(`the shape of ${what}`, view.shape);
  const strides = sizes(`the strides of ${what}`, view.strides);
  if (shape.length !== strides.length) {
    throw new FormatError(`${what} has ${shape.length} sides but ${strides.length} strides.`);
  }
  const described = `${what} of shape [${shape.join(", ")}], strides [${strides.join(", ")}] and offset ${describe(offset)}`;
  if (!isSize(offset)) {
    throw new FormatError(`${described} begins outside its storage.`);
  }
  const count = checkedElementCount(shape);
  // Strides of zero repeat values, so the storage does not bound the size of such a view; the file does.
  if (count === null || count > fileBytes) {
    throw new FormatError(`${described} has more elements than its file has bytes.`);
  }
  if (count > 0 && lastElement(offset, shape, strides) >= BigInt(elements)) {
    throw new FormatError(`${described} reaches beyond its storage of ${elements} elements.`);
  }
  // An empty tensor has no bytes; its offset may lie anywhere, so it is not used.
  const byteOffset = count > 0 ? bytes.byteOffset + offset * bytesPerElement[dtype] : bytes.byteOffset;
  return { name, dtype, isReadable: true, shape, strides, byteOffset };
}

/** A tensor of a kind that is not read: only its name and shape are kept. */
export function unreadable(name: string, { dtype, shape }: ForeignTensor): UnreadableTensor {
  const sides = shape === null ? [] : sizes(`the shape of tensor ${quoted(name)}`, shape);
  return { name, dtype, isReadable: false, shape: sides };
}

/** Elements of `dtype` in the storage, by its claim, once the record has shown it holds that many. */
function storageElements(what: string, storage: StorageReference, dtype: DType, bytes: StorageBytes): number {
  const { elementCount } = storage;
  // A view over a storage of a foreign dtype is a `ForeignTensor`: it never comes here.
  const unknown = storage.dtype === "bytes" || storage.dtype instanceof ForeignDType;
  const elementBytes = unknown ? 1 : bytesPerElement[storage.dtype as DType];
  if (!isSize(elementCount) || elementCount > bytes.byteLength / elementBytes) {
    throw new FormatError(
      `the storage of ${what} claims ${describe(elementCount)} elements of ${elementBytes} bytes, but its record has ${bytes.byteLength} bytes.`,
    );
  }
  return Math.floor((elementCount * elementBytes) / bytesPerElement[dtype]);
}

function sizes(what: string, tuple: PickleTuple): number[] {
  if (tuple.items.length > maximumRank) {
    throw new FormatError(`${what} has more than ${maximumRank} numbers.`);
  }
  return tuple.items.map((size) => {
    if (!isSize(size)) throw new FormatError(`${describe(size)} in ${what} is no size.`);
    return size;
  });
}

function lastElement(offset: number, shape: readonly number[], strides: readonly number[]): bigint {
  return shape.reduce((last, side, axis) => last + BigInt(side - 1) * BigInt(strides[axis]!), BigInt(offset));
}

function isSize(value: PickleValue): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function describe(value: PickleValue): string {
  return typeof value === "number" || typeof value === "bigint" ? `${value}` : "something";
}
