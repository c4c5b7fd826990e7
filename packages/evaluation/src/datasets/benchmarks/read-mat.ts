import { inflateSync } from "node:zlib";
import { UnSAMError } from "@unsam/core/errors";
import { shown } from "@unsam/core/files";
import type { Size } from "../dataset.js";
import type { LabelMap } from "../label-maps/read-label-map.js";

// MATLAB's MAT-files of level 5, as their format is published (MathWorks, MAT-File Format): only as much as the segmentations of SBD
// need. Arrays that nobody asks for, like the sparse outlines, are passed over.

const HEADER = 128;
/** Of one compressed variable; a map of SBD has a quarter of a megabyte. */
const MOST_INFLATED = 256 * 2 ** 20;
const [MATRIX, COMPRESSED] = [14, 15];
const STRUCT = 2;
/** Classes of real arrays: double, single, and integers of 8 to 32 bits. */
const NUMBERS = [6, 7, 8, 9, 10, 11, 12, 13];

/** Readers of stored numbers, by type, with their bytes. */
const TYPES: Readonly<
  Record<number, readonly [bytes: number, read: (view: DataView, at: number, little: boolean) => number]>
> = {
  1: [1, (view, at) => view.getInt8(at)],
  2: [1, (view, at) => view.getUint8(at)],
  3: [2, (view, at, little) => view.getInt16(at, little)],
  4: [2, (view, at, little) => view.getUint16(at, little)],
  5: [4, (view, at, little) => view.getInt32(at, little)],
  6: [4, (view, at, little) => view.getUint32(at, little)],
  7: [4, (view, at, little) => view.getFloat32(at, little)],
  9: [8, (view, at, little) => view.getFloat64(at, little)],
};

interface Element {
  readonly type: number;
  readonly data: DataView;
}

/**
 * The map of regions in `field` of the struct `variable` of a MAT-file, [height, width]. `size`: of its photo, which must be the
 * map's. Throws `E_BAD_FILE`.
 */
export function readMat(
  bytes: Uint8Array,
  file: string,
  variable: string,
  field: string,
  size: Size,
): LabelMap {
  const problem = (why: string) => new UnSAMError("E_BAD_FILE", `The MAT-file ${shown(file)} ${why}.`);
  const mark = bytes.length >= HEADER ? String.fromCharCode(bytes[126], bytes[127]) : "";
  if (mark !== "IM" && mark !== "MI") {
    throw problem("is none of level 5; save it with MATLAB's -v7 or convert it to PNG");
  }
  const little = mark === "IM";
  try {
    const all = new DataView(bytes.buffer, bytes.byteOffset + HEADER, bytes.byteLength - HEADER);
    for (const element of elementsOf(all, little)) {
      const [{ type, data }] = element.type === COMPRESSED ? inflated(element, little) : [element];
      if (type !== MATRIX) continue;
      const parts = [...elementsOf(data, little)];
      if (nameOf(parts) !== variable) continue;
      const found = fieldOf(parts, field, little);
      if (found) return mapOf(found, size, little);
    }
  } catch (cause) {
    if (UnSAMError.isInstance(cause)) throw cause;
    throw problem(`cannot be read: ${(cause as Error).message}`);
  }
  throw problem(`has no ${variable}.${field}`);
}

/** The parts of a piece of a file, one after the other. Throws `RangeError` where one leads out of it. */
function* elementsOf(view: DataView, little: boolean): Generator<Element> {
  for (let at = 0; at + 8 <= view.byteLength; ) {
    const word = view.getUint32(at, little);
    // Up to four bytes of data lie in the tag itself, behind their number.
    const short = word >>> 16;
    const [type, length, start] =
      short > 0 ? [word & 0xffff, short, 4] : [word, view.getUint32(at + 4, little), 8];
    if ((short > 4 && start === 4) || at + start + length > view.byteLength) {
      throw new RangeError("it is cut short or damaged");
    }
    yield { type, data: new DataView(view.buffer, view.byteOffset + at + start, length) };
    const end = at + start + length;
    at = type === COMPRESSED ? end : 8 * Math.ceil(end / 8);
  }
}

function inflated({ data }: Element, little: boolean): Element[] {
  const packed = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const bytes = inflateSync(packed, { maxOutputLength: MOST_INFLATED });
  return [...elementsOf(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), little)];
}

function nameOf(parts: readonly Element[]): string {
  return parts.length > 2 ? textOf(parts[2].data) : "";
}

function textOf(data: DataView): string {
  const text = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("latin1");
  return text.split("\0")[0];
}

/** The parts of a field of a struct of one element; null: it has none. */
function fieldOf(parts: readonly Element[], field: string, little: boolean): Element[] | null {
  if (parts.length < 5 || parts[0].data.getUint8(little ? 0 : 3) !== STRUCT) return null;
  const length = parts[3].data.getInt32(0, little);
  if (length <= 0) return null;
  const { data: names } = parts[4];
  for (let k = 0; (k + 1) * length <= names.byteLength; k++) {
    const name = textOf(new DataView(names.buffer, names.byteOffset + k * length, length));
    const value = parts[5 + k];
    if (name === field && value?.type === MATRIX) return [...elementsOf(value.data, little)];
  }
  return null;
}

function mapOf(parts: readonly Element[], size: Size, little: boolean): LabelMap {
  const [flags, sides, , values] = parts;
  if (!values || !NUMBERS.includes(flags.data.getUint8(little ? 0 : 3)) || sides.data.byteLength !== 8) {
    throw new RangeError("its segmentation is no array of numbers with two sides");
  }
  const [height, width] = [sides.data.getInt32(0, little), sides.data.getInt32(4, little)];
  if (width !== size.width || height !== size.height) {
    throw new RangeError(`it is ${width}×${height}, but its photo is ${size.width}×${size.height}`);
  }
  const type = TYPES[values.type];
  if (!type || values.data.byteLength !== width * height * type[0]) {
    throw new RangeError("its numbers are cut short or of a kind that is not read");
  }
  const [bytes, read] = type;
  const data = new Int32Array(width * height);
  // MATLAB goes down the columns.
  for (let x = 0, at = 0; x < width; x++) {
    for (let y = 0; y < height; y++, at += bytes) {
      const value = read(values.data, at, little);
      if (!Number.isInteger(value)) throw new RangeError(`it holds ${value}, which is no number of a region`);
      data[y * width + x] = value;
    }
  }
  return { width, height, data };
}
