import { execFileSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { readLabelMap } from "#evaluation/datasets/label-maps/read-label-map.js";
import { grey, png, scratch, tiff } from "./files.js";

const folder = scratch();
const at = async (name: string) => path.join(await folder("maps"), name);
const written = async (name: string, bytes: Uint8Array) => {
  const file = await at(name);
  await writeFile(file, bytes);
  return file;
};
const read = async (file: string) => [...(await readLabelMap(file)).data];

/** Rows of samples, packed, each behind the filter byte for "none". */
function packed(values: readonly number[], width: number, depth: number): Buffer {
  const rows: number[] = [];
  for (let start = 0; start < values.length; start += width) {
    const bits = values
      .slice(start, start + width)
      .map((value) => value.toString(2).padStart(depth, "0"))
      .join("");
    rows.push(0);
    for (let i = 0; i < bits.length; i += 8)
      rows.push(Number.parseInt(bits.slice(i, i + 8).padEnd(8, "0"), 2));
  }
  return Buffer.from(rows);
}

describe("a label map in PNG", () => {
  it.each([1, 2, 4, 8, 16])("of %i bits of grey is read as it is", async (depth) => {
    const values = Array.from({ length: 5 * 3 }, (_, i) => (i * 40503) % 2 ** depth);
    const bytes = png({ width: 5, height: 3, depth, colour: 0, rows: packed(values, 5, depth) });
    expect(await read(await written(`grey${depth}.png`, bytes))).toEqual(values);
  });

  it.each([1, 2, 4, 8])("with a palette of %i bits is read by index", async (depth) => {
    const values = Array.from({ length: 5 * 3 }, (_, i) => (i * 40503) % 2 ** depth);
    const bytes = png({ width: 5, height: 3, depth, colour: 3, rows: packed(values, 5, depth) });
    expect(await read(await written(`palette${depth}.png`, bytes))).toEqual(values);
  });

  // libpng's filters and interlacing undo ours: sharp writes, and reads the colours that the indices stand for.
  it.each([false, true])("is read through every filter, interlaced: %s", async (progressive) => {
    const [width, height] = [37, 29];
    const values = Uint16Array.from({ length: width * height }, (_, i) =>
      (i % width) * 1200 < 20000 ? 300 * Math.floor(i / 100) : (i * i * 7919) % 65536,
    );
    for (const samples of [values, Uint8Array.from(values, (value) => value >> 8)]) {
      const file = await at(`filters-${progressive}-${samples.BYTES_PER_ELEMENT}.png`);
      const pipeline = sharp(samples, { raw: { width, height, channels: 1 } });
      await pipeline
        .toColourspace(samples instanceof Uint16Array ? "grey16" : "b-w")
        .png({ progressive, adaptiveFiltering: true })
        .toFile(file);
      expect(await read(file)).toEqual([...samples]);
    }
  });

  it("with a palette that sharp chose has the indices of the colours that sharp reads", async () => {
    const rgb = Uint8Array.from({ length: 12 * 9 * 3 }, (_, i) => 60 * ((Math.floor(i / 3) >> (i % 3)) % 4));
    const file = await at("quantised.png");
    await sharp(rgb, { raw: { width: 12, height: 9, channels: 3 } })
      .png({ palette: true, dither: 0 })
      .toFile(file);
    const indices = await read(file);
    const colours = await sharp(file).removeAlpha().raw().toBuffer();
    const colourOf = new Map<number, string>();
    for (const [i, index] of indices.entries()) {
      const colour = colours.subarray(3 * i, 3 * i + 3).toString("hex");
      expect(colourOf.get(index) ?? colour).toBe(colour);
      colourOf.set(index, colour);
    }
    expect(new Set(colourOf.values()).size).toBe(colourOf.size);
    expect(colourOf.size).toBeGreaterThan(4);
  });

  it("with alpha is read where it is opaque, and refused elsewhere", async () => {
    const rows = (alpha: number) => Buffer.from([0, 7, 255, 9, alpha]);
    const opaque = png({ width: 2, height: 1, depth: 8, colour: 4, rows: rows(255) });
    expect(await read(await written("opaque.png", opaque))).toEqual([7, 9]);
    const clear = png({ width: 2, height: 1, depth: 8, colour: 4, rows: rows(254) });
    await expect(readLabelMap(await written("clear.png", clear))).rejects.toThrow(/transparent/);
  });

  it.each([
    [
      "colours",
      { width: 1, height: 1, depth: 8, colour: 2, rows: Buffer.from([0, 1, 1, 1]) },
      /coloured \(RGB\)/,
    ],
    [
      "too few pixels",
      { width: 3, height: 3, depth: 8, colour: 0, rows: Buffer.from([0, 1, 1, 1]) },
      /cannot be read/,
    ],
    [
      "a depth that is none",
      { width: 1, height: 1, depth: 3, colour: 0, rows: Buffer.from([0, 1]) },
      /damaged/,
    ],
    [
      "a filter that is none",
      { width: 1, height: 1, depth: 8, colour: 0, rows: Buffer.from([9, 1]) },
      /damaged/,
    ],
    // 100 MB of pixels behind a header of nine.
    [
      "more pixels than it says",
      { width: 3, height: 3, depth: 8, colour: 0, rows: Buffer.alloc(1e8) },
      /cannot be read/,
    ],
    [
      "too many pixels",
      { width: 16384, height: 16384, depth: 8, colour: 0, rows: Buffer.from([0]) },
      /16384×16384 pixels, more than the limit/,
    ],
  ])("is refused with %s", async (name, parts, reason) => {
    const file = await written(`${name}.png`, png(parts));
    await expect(readLabelMap(file)).rejects.toMatchObject({
      code: "E_BAD_FILE",
      message: expect.stringMatching(reason),
    });
  });

  it("is refused where it is truncated, and where it is of another size than its photo", async () => {
    const whole = await grey(
      new Uint8Array(600).map((_, i) => i),
      30,
    ).toBuffer();
    await expect(readLabelMap(await written("half.png", whole.subarray(0, 60)))).rejects.toThrow(/truncated/);
    const file = await written("whole.png", whole);
    await expect(readLabelMap(file, { width: 20, height: 30 })).rejects.toThrow(
      /30×20, but its photo is 20×30/,
    );
  });
});

describe("a label map in TIFF", () => {
  it.each([
    ["8 bits", 8, 1, [0, 1, 30, 255, 9, 5]],
    ["8 signed bits", 8, 2, [-1, 1, 30, 127, -128, 5]],
    ["16 bits", 16, 1, [0, 1, 300, 65535, 301, 5]],
    ["32 bits", 32, 1, [0, 1, 70000, 4294967295, 16777217, 3000000001]],
    ["32 signed bits", 32, 2, [-1, 0, 70000, 2147483647, -2147483648, 16777217]],
  ])("of %s is read exactly, in both byte orders", async (name, bits, format, values) => {
    for (const bigEndian of [false, true]) {
      const bytes = tiff({ width: 3, height: 2, bits, format, values, bigEndian });
      expect(await read(await written(`${name}-${bigEndian}.tif`, bytes))).toEqual(values);
    }
  });

  it("is read as sharp writes it, compressed", async () => {
    const values = Uint16Array.from({ length: 90 }, (_, i) => i * 700);
    for (const compression of ["lzw", "deflate", "packbits"] as const) {
      const file = await at(`${compression}.tif`);
      const raw = { width: 10, height: 9, channels: 1 as const };
      await sharp(values, { raw }).toColourspace("grey16").tiff({ compression }).toFile(file);
      expect(await read(file)).toEqual([...values]);
    }
  });

  const plain = { width: 3, height: 2, bits: 8, values: [0, 1, 2, 3, 4, 5] };
  it.each([
    ["floats", { ...plain, bits: 32, format: 3 }, /samples of 32 bits \(float\)/],
    ["signed 16-bit samples", { ...plain, bits: 16, format: 2 }, /samples of 16 bits \(signed\)/],
    ["white as 0", { ...plain, photometric: 0 }, /white as 0/],
    ["a palette", { ...plain, photometric: 3 }, /palette/],
    ["several pages", { ...plain, pages: 3 }, /3 pages/],
    ["an orientation", { ...plain, orientation: 6 }, /orientation 6/],
    ["a lossy compression", { ...plain, compression: 7 }, /with loss/],
    ["256 megapixels", { ...plain, width: 16384, height: 16384 }, /more than the limit/],
  ])("is refused with %s", async (name, parts, reason) => {
    const file = await written(`${name}.tif`, tiff(parts));
    await expect(readLabelMap(file)).rejects.toMatchObject({
      code: "E_BAD_FILE",
      message: expect.stringMatching(reason),
    });
  });
});

describe("a label map in another format", () => {
  const flat = () => sharp({ create: { width: 8, height: 8, channels: 3, background: "#030303" } });
  it.each([
    ["JPEG", () => flat().toColourspace("b-w").jpeg().toBuffer(), /is a JPEG, which changes numbers/],
    ["WebP", () => flat().webp({ lossless: true }).toBuffer(), /is a WebP/],
    ["AVIF", () => flat().avif().toBuffer(), /is an AVIF/],
    ["GIF", () => flat().gif().toBuffer(), /is a GIF/],
    ["NumPy", async () => Buffer.from("\x93NUMPY\x01\x00", "latin1"), /is a NumPy array/],
    ["nothing", async () => Buffer.alloc(0), /is empty/],
    ["text", async () => Buffer.from("no image"), /is no PNG and no TIFF; save region numbers as a PNG/],
  ])("is refused with what to do: %s", async (name, bytes, reason) => {
    // Whatever the name says.
    const file = await written(`${name}-map.png`, await bytes());
    await expect(readLabelMap(file)).rejects.toThrow(reason);
  });

  it.skipIf(process.platform === "win32")("is refused where it is no file", async () => {
    const pipe = await at("pipe.png");
    execFileSync("mkfifo", [pipe]);
    await expect(readLabelMap(pipe)).rejects.toThrow(/is not a regular file/);
    await expect(readLabelMap(await folder("maps", "folder.png"))).rejects.toThrow(/no file|folder/);
  });
});
