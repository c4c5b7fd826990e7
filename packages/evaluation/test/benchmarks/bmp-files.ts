interface Bmp {
  readonly width: number;
  readonly height: number;
  readonly bits: number;
  /** Blue, green, red, 0 of each colour. */
  readonly palette?: readonly number[];
  /** Rows of bytes from the bottom up, each padded to 4. */
  readonly rows: readonly (readonly number[])[];
}

/** An uncompressed BMP with the header of Windows 3. */
export function bmp({ width, height, bits, palette = [], rows }: Bmp): Buffer {
  const pixels = Buffer.from(rows.flat());
  const header = Buffer.alloc(54);
  header.write("BM", "latin1");
  header.writeUInt32LE(54 + palette.length + pixels.length, 2);
  header.writeUInt32LE(54 + palette.length, 10);
  header.writeUInt32LE(40, 14);
  header.writeInt32LE(width, 18);
  header.writeInt32LE(height, 22);
  header.writeUInt16LE(1, 26);
  header.writeUInt16LE(bits, 28);
  header.writeUInt32LE(palette.length / 4, 46);
  return Buffer.concat([header, Buffer.from(palette), pixels]);
}

/** A grey picture of 8 bits, from the top down. */
export function greyBmp(values: Uint8Array, width: number): Buffer {
  const height = values.length / width;
  const stride = 4 * Math.ceil(width / 4);
  const rows = Array.from({ length: height }, (_, y) => {
    const row = [...values.subarray((height - 1 - y) * width, (height - y) * width)];
    return [...row, ...new Array(stride - width).fill(0)];
  });
  const palette = Array.from({ length: 256 }, (_, k) => [k, k, k, 0]).flat();
  return bmp({ width, height, bits: 8, palette, rows });
}
