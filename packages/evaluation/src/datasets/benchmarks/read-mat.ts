import { inflateSync } from "node:zlib";
import { UnSAMError } from "@unsam/core/errors";
import { shown } from "@unsam/core/files";

// MATLAB's MAT-files of level 5, as their format is published (MathWorks, MAT-File Format): only as much as the annotations of SBD and
// Pascal-Part need. Arrays that nobody asks for, like sparse outlines, are passed over.

const HEADER = 128;
/** Of one compressed variable; those of the benchmarks have a few megabytes. */
const MOST_INFLATED = 256 * 2 ** 20;
/** Of one array: fields of all elements of a struct. */
const MOST_PARTS = 2 ** 16;
const [MATRIX, COMPRESSED] = [14, 15];
const STRUCT = 2;
/** Classes of real arrays: double, single, and integers of 8 to 32 bits; logical arrays are of 8. */
const NUMBERS = [6, 7, 8, 9, 10, 11, 12, 13];

/** Readers of stored numbers, by type, with their bytes. */
const TYPES: Readonly<Record<number, readonly [bytes: number, read: Reader]>> = {
  1: [1, (view, at) => view.getInt8(at)],
  2: [1, (view, at) => view.getUint8(at)],
  3: [2, (view, at, little) => view.getInt16(at, little)],
  4: [2, (view, at, little) => view.getUint16(at, little)],
  5: [4, (view, at, little) => view.getInt32(at, little)],
  6: [4, (view, at, little) => view.getUint32(at, little)],
  7: [4, (view, at, little) => view.getFloat32(at, little)],
  9: [8, (view, at, little) => view.getFloat64(at, little)],
};
type Reader = (view: DataView, at: number, little: boolean) => number;

interface Element {
  readonly type: number;
  readonly data: DataView;
}

/** A table of whole numbers, row by row, [height, width]. */
export interface MatNumbers {
  readonly width: number;
  readonly height: number;
  readonly data: Int32Array;
}

/** An array of a MAT-file, read as far as it is asked. */
export class MatArray {
  readonly #parts: readonly Element[];
  readonly #little: boolean;

  constructor(data: DataView, little: boolean) {
    this.#parts = [...elementsOf(data, little)];
    this.#little = little;
  }

  get name(): string {
    return this.#parts.length > 2 ? textOf(this.#parts[2].data) : "";
  }

  /** The elements of a struct by their fields; none of anything else, as MATLAB leaves an empty array where there is no struct. */
  rows(): ReadonlyMap<string, MatArray>[] {
    const [flags, , , width, names, ...values] = this.#parts;
    if (!names || this.#classOf(flags) !== STRUCT) return [];
    const length = width.data.getInt32(0, this.#little);
    const count = length > 0 ? Math.floor(names.data.byteLength / length) : 0;
    if (count === 0) return [];
    const fields = Array.from({ length: count }, (_, k) =>
      textOf(new DataView(names.data.buffer, names.data.byteOffset + k * length, length)),
    );
    return Array.from({ length: Math.floor(values.length / count) }, (_, row) => {
      const own = values.slice(row * count, (row + 1) * count);
      return new Map(
        own.flatMap(({ type, data }, k) =>
          type === MATRIX ? [[fields[k], new MatArray(data, this.#little)] as const] : [],
        ),
      );
    });
  }

  /** Throws `RangeError` for anything but whole numbers in rows and columns, as many as it says. */
  numbers(): MatNumbers {
    const [flags, sides, , values] = this.#parts;
    if (!values || !NUMBERS.includes(this.#classOf(flags)) || sides.data.byteLength !== 8) {
      throw new RangeError("it is no array of numbers with two sides");
    }
    const [height, width] = [sides.data.getInt32(0, this.#little), sides.data.getInt32(4, this.#little)];
    const type = TYPES[values.type];
    if (!type || width < 0 || height < 0 || values.data.byteLength !== width * height * type[0]) {
      throw new RangeError("its numbers are cut short or of a kind that is not read");
    }
    const [bytes, read] = type;
    const data = new Int32Array(width * height);
    // MATLAB goes down the columns.
    for (let x = 0, at = 0; x < width; x++) {
      for (let y = 0; y < height; y++, at += bytes) {
        const value = read(values.data, at, this.#little);
        if (!Number.isInteger(value)) throw new RangeError(`it holds ${value}, which is no whole number`);
        data[y * width + x] = value;
      }
    }
    return { width, height, data };
  }

  #classOf({ data }: Element): number {
    return data.getUint8(this.#little ? 0 : 3);
  }
}

/**
 * What `read` makes of the variable `name` of a MAT-file. Throws `E_BAD_FILE` where the file is of another level, damaged, has no
 * such variable, or where `read` throws a `RangeError`.
 */
export function readMat<Value>(
  bytes: Uint8Array,
  file: string,
  name: string,
  read: (variable: MatArray) => Value,
): Value {
  const problem = (why: string) => new UnSAMError("E_BAD_FILE", `The MAT-file ${shown(file)} ${why}.`);
  const mark = bytes.length >= HEADER ? String.fromCharCode(bytes[126], bytes[127]) : "";
  if (mark !== "IM" && mark !== "MI") {
    throw problem("is none of level 5; save it with MATLAB's -v7");
  }
  const little = mark === "IM";
  try {
    const all = new DataView(bytes.buffer, bytes.byteOffset + HEADER, bytes.byteLength - HEADER);
    for (const element of elementsOf(all, little)) {
      const [matrix] = element.type === COMPRESSED ? inflated(element, little) : [element];
      if (matrix?.type !== MATRIX) continue;
      const variable = new MatArray(matrix.data, little);
      if (variable.name === name) return read(variable);
    }
  } catch (cause) {
    throw problem(`cannot be read: ${(cause as Error).message}`);
  }
  throw problem(`has no ${name}`);
}

/** The parts of a piece of a file, one after the other. Throws `RangeError` where one leads out of it, or there are too many. */
function* elementsOf(view: DataView, little: boolean): Generator<Element> {
  let count = 0;
  for (let at = 0; at + 8 <= view.byteLength; ) {
    const word = view.getUint32(at, little);
    // Up to four bytes of data lie in the tag itself, behind their number.
    const short = word >>> 16;
    const [type, length, start] =
      short > 0 ? [word & 0xffff, short, 4] : [word, view.getUint32(at + 4, little), 8];
    if ((short > 4 && start === 4) || at + start + length > view.byteLength) {
      throw new RangeError("it is cut short or damaged");
    }
    if (++count > MOST_PARTS) throw new RangeError(`an array of it has more than ${MOST_PARTS} parts`);
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

function textOf(data: DataView): string {
  const text = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("latin1");
  return text.split("\0")[0];
}
