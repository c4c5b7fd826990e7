import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeImage, ImageParts, type RgbImage } from "#core/image/index.js";
import { pngChunks } from "./png-chunks.js";

const WIDTH = 230;
const HEIGHT = 170;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "unsam-parts-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function picture() {
  const data = new Uint8Array(WIDTH * HEIGHT * 3);
  for (let i = 0; i < data.length; i++) data[i] = (i * 7 + Math.floor(i / 690) * 31) & 255;
  return sharp(data, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } });
}

async function file(name: string, bytes: Uint8Array): Promise<string> {
  const at = path.join(folder, name);
  await writeFile(at, bytes);
  return at;
}

function crop({ data, width }: RgbImage, [x0, y0, x1, y1]: readonly number[]): Uint8Array {
  const rows = [];
  for (let y = y0; y < y1; y++) rows.push(data.subarray(3 * (y * width + x0), 3 * (y * width + x1)));
  return Buffer.concat(rows);
}

/** Boxes of 60 × 50 pixels that cover a size. */
function boxesOf({ width, height }: { width: number; height: number }) {
  const boxes: [number, number, number, number][] = [];
  for (let y = 0; y < height; y += 50) {
    for (let x = 0; x < width; x += 60) {
      boxes.push([x, y, Math.min(width, x + 60), Math.min(height, y + 50)]);
    }
  }
  return boxes;
}

async function expectParts(at: string): Promise<void> {
  const parts = await ImageParts.open(at);
  const whole = await decodeImage(at);
  expect([parts.width, parts.height]).toEqual([whole.width, whole.height]);
  const boxes = boxesOf(parts);
  const seen = new Set<number>();
  for await (const { index, image } of parts.read(parts, boxes)) {
    seen.add(index);
    const [x0, y0, x1, y1] = boxes[index];
    expect([image.width, image.height]).toEqual([x1 - x0, y1 - y0]);
    expect(Buffer.compare(image.data, crop(whole, boxes[index]))).toBe(0);
  }
  expect(seen.size).toBe(boxes.length);
}

describe("parts of an image file", () => {
  it("are the pixels of the whole image, in all formats", async () => {
    await expectParts(await file("a.png", await picture().png().toBuffer()));
    await expectParts(await file("a.jpg", await picture().jpeg({ quality: 80 }).toBuffer()));
    await expectParts(await file("p.jpg", await picture().jpeg({ progressive: true }).toBuffer()));
    await expectParts(
      await file("t.tif", await picture().tiff({ tile: true, tileWidth: 64, tileHeight: 64 }).toBuffer()),
    );
    await expectParts(await file("s.tif", await picture().tiff({ compression: "lzw" }).toBuffer()));
    await expectParts(await file("a.webp", await picture().webp({ lossless: true }).toBuffer()));
    await expectParts(await file("grey.png", await picture().greyscale().png().toBuffer()));
    await expectParts(await file("alpha.png", await picture().ensureAlpha(0.5).png().toBuffer()));
    await expectParts(await file("deep.png", await picture().toColourspace("rgb16").png().toBuffer()));
  });

  it("stand upright as EXIF says", async () => {
    for (let orientation = 1; orientation <= 8; orientation++) {
      const bytes = await picture().withMetadata({ orientation }).png().toBuffer();
      await expectParts(await file(`o${orientation}.png`, bytes));
    }
  });

  it("at a smaller size are the smaller image", async () => {
    for (const orientation of [1, 6, 7]) {
      const bytes = await picture().blur(4).withMetadata({ orientation }).png().toBuffer();
      const parts = await ImageParts.open(await file(`s${orientation}.png`, bytes));
      const size = { width: Math.ceil(parts.width / 2), height: Math.ceil(parts.height / 2) };
      const turned = await sharp(bytes).autoOrient().png().toBuffer();
      const upright = sharp(turned).resize(size.width, size.height, { fit: "fill", kernel: "linear" });
      const small = await decodeImage(await upright.png().toBuffer());
      const boxes = boxesOf(size);
      for await (const { index, image } of parts.read(size, boxes)) {
        const wanted = crop(small, boxes[index]);
        const far = image.data.reduce((most, value, i) => Math.max(most, Math.abs(value - wanted[i])), 0);
        expect(far).toBeLessThanOrEqual(2);
      }
    }
  });
});

describe("files that cannot be read in parts", () => {
  it("are refused where they would be decoded whole and are too large for that", async () => {
    const at = await file("i.png", pngChunks(20_000, 20_000, new Uint8Array(8), true));
    await expect(ImageParts.open(at)).rejects.toThrow(
      /20000×20000 pixels and is an interlaced PNG.*TIFF in tiles/,
    );
  });

  it("are refused beyond the limit, and where they are no file", async () => {
    const at = await file("l.png", await picture().png().toBuffer());
    await expect(ImageParts.open(at, { maxPixels: 1000 })).rejects.toMatchObject({ code: "E_BAD_IMAGE" });
    await expect(ImageParts.open(path.join(folder, "none.png"))).rejects.toThrow(/There is no file/);
    await expect(ImageParts.open(await file("empty.png", new Uint8Array(0)))).rejects.toThrow(/is empty/);
    await expect(ImageParts.open(await file("x.svg", Buffer.from("<svg/>")))).rejects.toMatchObject({
      code: "E_BAD_IMAGE",
    });
    await expect(ImageParts.open(new Uint8Array(8) as never)).rejects.toThrow(/its path or file: URL/);
  });

  it("name the rows at which they are damaged", async () => {
    const whole = await picture().png({ compressionLevel: 0 }).toBuffer();
    const at = await file("cut.png", whole.subarray(0, Math.floor(whole.length * 0.6)));
    const parts = await ImageParts.open(at);
    const read = async (box: [number, number, number, number]) => {
      for await (const { image } of parts.read(parts, [box])) return image.height;
      return 0;
    };
    expect(await read([0, 0, WIDTH, 50])).toBe(50);
    await expect(read([0, 120, WIDTH, HEIGHT])).rejects.toThrow(/cut\.png”, in rows 120 to 169, is damaged/);
  });

  it("are left alone once the caller has given up", async () => {
    const parts = await ImageParts.open(await file("ab.png", await picture().png().toBuffer()));
    const stop = new AbortController();
    const seen: number[] = [];
    await expect(async () => {
      for await (const { index } of parts.read(parts, boxesOf(parts), stop.signal)) {
        seen.push(index);
        stop.abort(new Error("enough"));
      }
    }).rejects.toThrow("enough");
    expect(seen).toHaveLength(1);
  });
});
