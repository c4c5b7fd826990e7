import { FormatError } from "../../format-error.js";

const maximumGlobalName = 256;

/** Reads the arguments of opcodes; every length is checked against the bytes that are left. */
export class PickleReader {
  private at = 0;
  private readonly view: DataView;

  constructor(private readonly bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Offset of the next byte. */
  get position(): number {
    return this.at;
  }

  uint8(): number {
    return this.view.getUint8(this.advance(1));
  }

  uint16(): number {
    return this.view.getUint16(this.advance(2), true);
  }

  uint32(): number {
    return this.view.getUint32(this.advance(4), true);
  }

  int32(): number {
    return this.view.getInt32(this.advance(4), true);
  }

  /** A 64-bit length; one beyond the pickle's end is refused at once. */
  length64(): number {
    const length = this.view.getBigUint64(this.advance(8), true);
    if (length > BigInt(this.bytes.length)) throw this.cutOff();
    return Number(length);
  }

  float64BigEndian(): number {
    return this.view.getFloat64(this.advance(8), false);
  }

  /** A little-endian two's-complement integer of up to 255 bytes, as a number where that is exact. */
  integer(length: number): number | bigint {
    const start = this.advance(length);
    const hexadecimal = Buffer.from(this.bytes.subarray(start, start + length))
      .reverse()
      .toString("hex");
    const value = BigInt.asIntN(8 * length, BigInt(`0x${hexadecimal || "0"}`));
    const asNumber = Number(value);
    return Number.isSafeInteger(asNumber) ? asNumber : value;
  }

  text(length: number): string {
    const start = this.advance(length);
    return Buffer.from(this.bytes.buffer, this.bytes.byteOffset + start, length).toString("utf8");
  }

  skip(length: number): void {
    this.advance(length);
  }

  /** A line that ends with a newline, without it. */
  line(): string {
    const end = this.bytes.subarray(this.at, this.at + maximumGlobalName + 1).indexOf(0x0a);
    if (end < 0) throw new FormatError(`its pickle has no end of line after byte ${this.at}.`);
    const line = this.text(end);
    this.at++;
    return line;
  }

  private advance(length: number): number {
    if (length > this.bytes.length - this.at) throw this.cutOff();
    const start = this.at;
    this.at += length;
    return start;
  }

  private cutOff(): FormatError {
    return new FormatError(
      `its pickle of ${this.bytes.length} bytes ends within a value, after byte ${this.at}.`,
    );
  }
}
