import { type ByteSource, MemorySource } from "#core/checkpoint/byte-source.js";

/** A source in memory that keeps account of what is read from it. */
export class CountingSource extends MemorySource implements ByteSource {
  bytesRead = 0;
  largestRead = 0;
  firstByte = Number.POSITIVE_INFINITY;
  endByte = 0;

  override async readInto(target: Uint8Array, offset: number): Promise<void> {
    await super.readInto(target, offset);
    this.bytesRead += target.length;
    this.largestRead = Math.max(this.largestRead, target.length);
    this.firstByte = Math.min(this.firstByte, offset);
    this.endByte = Math.max(this.endByte, offset + target.length);
  }

  reset(): void {
    this.bytesRead = 0;
    this.largestRead = 0;
    this.firstByte = Number.POSITIVE_INFINITY;
    this.endByte = 0;
  }
}
