/** Part of a file to damage. */
export interface Region {
  readonly start: number;
  readonly end: number;
}

const interestingBytes = [
  0x00, 0x01, 0x7f, 0x80, 0xff, 0x28, 0x29, 0x2e, 0x52, 0x62, 0x63, 0x7d, 0x8a, 0x8d, 0x94,
];
const interestingNumbers = [
  0n,
  1n,
  0x7fffffffn,
  0xffffffffn,
  2n ** 53n,
  2n ** 62n,
  2n ** 63n - 1n,
  2n ** 64n - 1n,
];

/** A damaged copy: one to four flips, overwritten numbers, cuts, insertions, removals or repeats within the region. */
export function mutate(bytes: Buffer, region: Region, random: () => number): Buffer {
  const integer = (limit: number) => Math.floor(random() * limit);
  const pick = <T>(items: readonly T[]) => items[integer(items.length)]!;
  let result = Buffer.from(bytes);
  for (let changes = 1 + integer(4); changes > 0 && result.length > 0; changes--) {
    const start = Math.min(region.start, result.length - 1);
    const at = start + integer(Math.max(1, Math.min(region.end, result.length) - start));
    const piece = result.subarray(at, at + 1 + integer(40));
    switch (integer(8)) {
      case 0:
        result[at] = result[at]! ^ (1 << integer(8));
        break;
      case 1:
        result[at] = integer(256);
        break;
      case 2:
        result[at] = pick(interestingBytes);
        break;
      case 3:
        overwrite(result, at, pick(interestingNumbers), pick([2, 4, 8]));
        break;
      case 4:
        result = Buffer.concat([result.subarray(0, at), Buffer.from(piece), result.subarray(at)]);
        break;
      case 5:
        result = Buffer.concat([result.subarray(0, at), result.subarray(at + piece.length)]);
        break;
      case 6:
        result.copy(result, start + integer(Math.max(1, at - start)), at, at + piece.length);
        break;
      default:
        if (random() < 0.25) result = result.subarray(0, at);
        else
          result = Buffer.concat([
            result.subarray(0, at),
            Buffer.of(pick(interestingBytes)),
            result.subarray(at),
          ]);
    }
  }
  return result;
}

function overwrite(bytes: Buffer, at: number, value: bigint, length: number): void {
  const number = Buffer.alloc(8);
  number.writeBigUInt64LE(value);
  number.copy(bytes, at, 0, length);
}
