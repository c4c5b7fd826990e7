import { RandomAccessReader } from "yauzl";
import { type ByteSource, isRangeWithin, readBytes } from "../byte-source.js";
import { FormatError } from "../format-error.js";

const windowBytes = 4096;

/** Lets yauzl, which asks for a few dozen bytes at a time, read a source page by page. */
export class WindowedReader extends RandomAccessReader {
  private window: Uint8Array = new Uint8Array(0);
  private windowStart = 0;

  constructor(private readonly source: ByteSource) {
    super();
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null) => void,
  ): void {
    this.fill(buffer.subarray(offset, offset + length), position).then(() => callback(null), callback);
  }

  private async fill(target: Uint8Array, position: number): Promise<void> {
    if (!isRangeWithin(position, target.length, this.source.byteLength)) {
      throw new FormatError(
        `its zip archive is truncated or damaged: it refers to byte ${position + target.length}.`,
      );
    }
    if (target.length > windowBytes) {
      await this.source.readInto(target, position);
      return;
    }
    if (!isRangeWithin(position - this.windowStart, target.length, this.window.length)) {
      const length = Math.min(windowBytes, this.source.byteLength - position);
      this.window = await readBytes(this.source, position, length);
      this.windowStart = position;
    }
    const start = position - this.windowStart;
    target.set(this.window.subarray(start, start + target.length));
  }
}
