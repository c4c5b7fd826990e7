import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { deflateSync } from "node:zlib";
import sharp from "sharp";
import { afterAll, beforeAll } from "vitest";

/** A folder for the data sets of one test file, removed at its end; gives a function that makes folders in it. */
export function scratch(): (name: string, ...parts: string[]) => Promise<string> {
  let root = "";
  beforeAll(async () => {
    root = await mkdtemp(path.join(tmpdir(), "unsam-dataset-"));
  });
  afterAll(() => rm(root, { recursive: true }));
  return async (name, ...parts) => {
    const made = path.join(root, name);
    for (const part of ["", ...parts]) await mkdir(path.join(made, part), { recursive: true });
    return made;
  };
}

/** A grey PNG of 8 or 16 bits. */
export function grey(values: Uint8Array | Uint16Array, width: number) {
  return sharp(values, { raw: { width, height: values.length / width, channels: 1 } })
    .toColourspace(values instanceof Uint16Array ? "grey16" : "b-w")
    .png();
}

/** A photo of plain colour. */
export async function photo(file: string, width: number, height: number): Promise<void> {
  await sharp({ create: { width, height, channels: 3, background: "#5a6e2b" } }).toFile(file);
}

export async function writeJson(file: string, content: unknown): Promise<string> {
  await writeFile(file, JSON.stringify(content));
  return file;
}

interface Png {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  readonly colour: number;
  /** Rows of packed samples, each behind its filter byte. */
  readonly rows: Buffer;
}

/** A PNG of any kind. Checksums are 0: what is compared with this does not look at them. */
export function png({ width, height, depth, colour, rows }: Png): Buffer {
  const chunk = (type: string, data: Buffer) => {
    const out = Buffer.alloc(12 + data.length);
    out.writeUInt32BE(data.length);
    out.write(type, 4, "latin1");
    data.copy(out, 8);
    return out;
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width);
  header.writeUInt32BE(height, 4);
  header.set([depth, colour], 8);
  return Buffer.concat([
    Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(rows)),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

interface Tiff {
  readonly width: number;
  readonly height: number;
  readonly bits: number;
  /** 1 unsigned, 2 signed, 3 float. */
  readonly format?: number;
  readonly values: readonly number[];
  readonly bigEndian?: boolean;
  readonly photometric?: number;
  readonly orientation?: number;
  readonly compression?: number;
  readonly pages?: number;
}

/** An uncompressed TIFF of one strip (TIFF 6.0). */
export function tiff(options: Tiff): Buffer {
  const { width, height, bits, values, bigEndian = false, format = 1, pages = 1 } = options;
  const { photometric = 1, orientation = 1, compression = 1 } = options;
  const size = bits / 8;
  const data = new DataView(new ArrayBuffer(values.length * size));
  values.forEach((value, i) => {
    if (format === 3) data.setFloat32(i * size, value, !bigEndian);
    else if (size === 4) data.setUint32(i * size, value, !bigEndian);
    else if (size === 2) data.setUint16(i * size, value, !bigEndian);
    else data.setUint8(i, value);
  });
  const tags = [
    [256, width],
    [257, height],
    [258, bits],
    [259, compression],
    [262, photometric],
    [273, 8],
    [274, orientation],
    [277, 1],
    [278, height],
    [279, data.byteLength],
    [339, format],
  ];
  const directory = 2 + tags.length * 12 + 4;
  const out = new DataView(new ArrayBuffer(8 + data.byteLength + pages * directory));
  const bytes = new Uint8Array(out.buffer);
  bytes.set(Buffer.from(bigEndian ? "MM" : "II", "latin1"));
  out.setUint16(2, 42, !bigEndian);
  out.setUint32(4, 8 + data.byteLength, !bigEndian);
  bytes.set(new Uint8Array(data.buffer), 8);
  for (let page = 0; page < pages; page++) {
    let at = 8 + data.byteLength + page * directory;
    out.setUint16(at, tags.length, !bigEndian);
    at += 2;
    for (const [tag, value] of tags) {
      out.setUint16(at, tag, !bigEndian);
      out.setUint16(at + 2, 4, !bigEndian);
      out.setUint32(at + 4, 1, !bigEndian);
      out.setUint32(at + 8, value, !bigEndian);
      at += 12;
    }
    out.setUint32(at, page + 1 < pages ? at + 4 : 0, !bigEndian);
  }
  return Buffer.from(out.buffer);
}
