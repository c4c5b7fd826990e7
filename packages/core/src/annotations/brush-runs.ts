import { UnSAMError } from "../errors.js";
import { type PackedMask, PackedRows, setRun, wordsPerRow } from "../mask/index.js";

// Label Studio's brush masks: values of 8 bits, four a pixel (red, green, blue, alpha, row by row), packed by the format of
// @thi.ng/rle-pack. Bits, the highest of each byte first: 32 for the number of values, 5 for their bits less one, 4 × 4 for
// the sizes of counts less one; then blocks: 1 bit "run", 2 bits which size, the count less one, and one value (run) or that
// many. Only alpha says whether a pixel is painted.

const CHANNELS = 4;
const VALUE_BITS = 8;
const COUNT_BITS = [3, 4, 8, 16] as const;
const MOST_COUNT = 2 ** 16;

/** The bytes of a mask, painted with 255 in all four channels as Label Studio's own converter does. */
export function encodeBrush(mask: PackedMask): number[] {
  const { width, height } = mask;
  const out = new BitWriter();
  out.write(CHANNELS * width * height, 32);
  out.write(VALUE_BITS - 1, 5);
  for (const bits of COUNT_BITS) out.write(bits - 1, 4);
  const run = (pixels: number, value: number) => {
    for (let left = CHANNELS * pixels; left > 0; left -= MOST_COUNT) {
      const count = Math.min(left, MOST_COUNT);
      const size = COUNT_BITS.findIndex((bits) => count <= 2 ** bits);
      out.write(1, 1);
      out.write(size, 2);
      out.write(count - 1, COUNT_BITS[size]);
      out.write(value, VALUE_BITS);
    }
  };
  let done = 0;
  let open = 0;
  const rows = new PackedRows(mask);
  while (mask.area > 0 && rows.next()) {
    for (let i = 0; i < rows.count; i += 2) {
      const [from, to] = [rows.y * width + rows.crossings[i], rows.y * width + rows.crossings[i + 1]];
      // A run that goes on in the next row is one run.
      if (from > done || open === 0) {
        run(open, 255);
        run(from - done, 0);
        open = 0;
      }
      open += to - from;
      done = to;
    }
  }
  run(open, 255);
  run(width * height - done, 0);
  return out.bytes();
}

/**
 * Sets the bits of the pixels whose alpha is not 0, in the layout of `Mask`; returns the first row with such a pixel and the one
 * behind the last. Takes as long as the bytes and what they paint are long. Throws `E_BAD_FILE`, `name` in front.
 */
export function decodeBrush(
  bytes: Uint8Array,
  { width, height }: { readonly width: number; readonly height: number },
  words: Uint32Array,
  name: string,
): { readonly top: number; readonly bottom: number } {
  const input = new BitReader(bytes, name);
  const count = input.read(32);
  if (count !== CHANNELS * width * height) {
    throw bad(name, `holds ${count} values, and ${width}×${height} pixels take ${CHANNELS * width * height}`);
  }
  const valueBits = input.read(5) + 1;
  const countBits = COUNT_BITS.map(() => input.read(4) + 1);
  const stride = wordsPerRow(width);
  let [first, last] = [height, -1];
  const paint = (from: number, to: number) => {
    // The alpha of pixel p is value 4 p + 3.
    let p = Math.floor(from / CHANNELS);
    const end = Math.floor(to / CHANNELS);
    while (p < end) {
      const row = Math.floor(p / width);
      const until = Math.min(end, (row + 1) * width);
      [first, last] = [Math.min(first, row), row];
      setRun(words, row * stride, p - row * width, until - row * width);
      p = until;
    }
  };
  for (let at = 0; at < count; ) {
    const isRun = input.read(1) === 1;
    const end = at + 1 + input.read(countBits[input.read(2)]);
    if (end > count) throw bad(name, "goes on behind its last pixel");
    if (isRun) {
      if (input.read(valueBits) !== 0) paint(at, end);
    } else {
      for (let k = at; k < end; k++) if (input.read(valueBits) !== 0) paint(k, k + 1);
    }
    at = end;
  }
  return { top: Math.min(first, last + 1), bottom: last + 1 };
}

class BitReader {
  readonly #bytes: Uint8Array;
  readonly #name: string;
  #at = 0;

  constructor(bytes: Uint8Array, name: string) {
    this.#bytes = bytes;
    this.#name = name;
  }

  /** The next 1 to 32 bits as a number. */
  read(bits: number): number {
    if (this.#at + bits > 8 * this.#bytes.length) throw bad(this.#name, "ends too early");
    let value = 0;
    for (let left = bits; left > 0; ) {
      const offset = this.#at & 7;
      const taken = Math.min(8 - offset, left);
      const part = (this.#bytes[this.#at >> 3] >> (8 - offset - taken)) & ((1 << taken) - 1);
      value = value * 2 ** taken + part;
      this.#at += taken;
      left -= taken;
    }
    return value;
  }
}

class BitWriter {
  readonly #bytes: number[] = [];
  /** Bits of the last byte that are taken. */
  #taken = 8;

  write(value: number, bits: number): void {
    for (let left = bits; left > 0; ) {
      if (this.#taken === 8) {
        this.#bytes.push(0);
        this.#taken = 0;
      }
      const given = Math.min(8 - this.#taken, left);
      const part = Math.floor(value / 2 ** (left - given)) % 2 ** given;
      this.#bytes[this.#bytes.length - 1] |= part << (8 - this.#taken - given);
      this.#taken += given;
      left -= given;
    }
  }

  bytes(): number[] {
    return this.#bytes;
  }
}

function bad(name: string, why: string): UnSAMError {
  return new UnSAMError("E_BAD_FILE", `${name} ${why}.`);
}
