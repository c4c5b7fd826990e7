let float16Values: Float32Array | undefined;

/** IEEE 754 binary16 bits → value. Exact: every binary16 number is a binary32 number. */
export function float16ToNumber(bits: number): number {
  float16Values ??= decodeEveryFloat16();
  return float16Values[bits]!;
}

function decodeEveryFloat16(): Float32Array {
  const values = new Float32Array(0x10000);
  for (let bits = 0; bits < values.length; bits++) values[bits] = decodeFloat16(bits);
  return values;
}

function decodeFloat16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction * 2 ** -10) * 2 ** (exponent - 15);
}

const word = new Uint32Array(1);
const wordAsFloat = new Float32Array(word.buffer);

/** bfloat16 bits → value: the upper half of a binary32. */
export function bfloat16ToNumber(bits: number): number {
  word[0] = bits << 16;
  return wordAsFloat[0]!;
}

/**
 * Value → IEEE 754 binary16 bits, rounded to nearest, ties to even; beyond ±65520 it becomes infinite.
 * The value is first taken as binary32, as a cast in PyTorch does.
 */
export function numberToFloat16(value: number): number {
  wordAsFloat[0] = value;
  const bits = word[0]!;
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00; // NaN
  if (magnitude >= 0x477ff000) return sign | 0x7c00; // at least 65520 rounds to infinity
  if (magnitude >= 0x38800000) return sign | roundedShift(magnitude - 0x38000000, 13); // normal from 2^-14 on
  if (magnitude <= 0x33000000) return sign; // at most 2^-25 rounds to zero
  const shift = 126 - (magnitude >>> 23);
  return sign | roundedShift((magnitude & 0x7fffff) | 0x800000, shift); // subnormal: multiples of 2^-24
}

/** `value / 2^shift`, rounded to nearest, ties to even. A carry runs on into the exponent, as it should. */
function roundedShift(value: number, shift: number): number {
  const kept = value >>> shift;
  const dropped = value & ((1 << shift) - 1);
  const half = 1 << (shift - 1);
  return dropped > half || (dropped === half && (kept & 1) === 1) ? kept + 1 : kept;
}
