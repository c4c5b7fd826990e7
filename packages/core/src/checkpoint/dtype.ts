import type { DType } from "./checkpoint.js";
import { bfloat16ToNumber, float16ToNumber } from "./half-precision.js";

export const bytesPerElement: Readonly<Record<DType, number>> = {
  float64: 8,
  float32: 4,
  float16: 2,
  bfloat16: 2,
  int64: 8,
  int32: 4,
  int16: 2,
  int8: 1,
  uint8: 1,
  bool: 1,
};

type ElementReader = (bytes: DataView, byteOffset: number) => number;

/**
 * Reads one little-endian element as a number whose rounding to float32 is the correctly rounded value of the
 * element (which for int64 takes more than `Number(bigint)`).
 */
export const elementReaders: Readonly<Record<DType, ElementReader>> = {
  float64: (bytes, at) => bytes.getFloat64(at, true),
  float32: (bytes, at) => bytes.getFloat32(at, true),
  float16: (bytes, at) => float16ToNumber(bytes.getUint16(at, true)),
  bfloat16: (bytes, at) => bfloat16ToNumber(bytes.getUint16(at, true)),
  int64: (bytes, at) => int64ForFloat32(bytes.getInt32(at + 4, true), bytes.getUint32(at, true)),
  int32: (bytes, at) => bytes.getInt32(at, true),
  int16: (bytes, at) => bytes.getInt16(at, true),
  int8: (bytes, at) => bytes.getInt8(at),
  uint8: (bytes, at) => bytes.getUint8(at),
  bool: (bytes, at) => (bytes.getUint8(at) === 0 ? 0 : 1),
};

/**
 * `high · 2^32 + low` as a double that is exact up to 2^53 and keeps a sticky bit above, so that a second rounding
 * to float32 gives what one rounding would.
 */
function int64ForFloat32(high: number, low: number): number {
  if (high >= -(2 ** 21) && high < 2 ** 21) return high * 2 ** 32 + low;
  const kept = low - (low & 0x7ff);
  return high * 2 ** 32 + (kept === low ? low : kept + 0x400);
}

/**
 * Number of elements of `shape`, or null where a side is no non-negative safe integer or a product of leading
 * sides is beyond the safe integers. The scalar shape `[]` has one element.
 */
export function checkedElementCount(shape: readonly number[]): number | null {
  let count = 1;
  for (const side of shape) {
    if (!Number.isSafeInteger(side) || side < 0) return null;
    count *= side;
    if (!Number.isSafeInteger(count)) return null;
  }
  return count;
}
