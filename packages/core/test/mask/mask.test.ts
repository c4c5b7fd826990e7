import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Mask } from "#core/mask/index.js";
import { drawn, type PlainMask, plainMask } from "./random-mask.js";

const pack = ({ width, height, bytes }: PlainMask) => Mask.fromBytes(width, height, bytes);

describe("Mask", () => {
  it("keeps pixel (x, y) in bit x % 32 of word y·stride + (x >> 5)", () => {
    const bytes = new Uint8Array(34 * 3);
    bytes[0] = bytes[34 + 31] = bytes[2 * 34 + 33] = 1;
    const mask = Mask.fromBytes(34, 3, bytes);
    expect(mask.stride).toBe(2);
    expect([...mask.words]).toEqual([1, 0, 0x80000000, 0, 0, 2]);
  });

  it("agrees with plain bytes in everything it measures", () => {
    fc.assert(
      fc.property(plainMask, (plain) => {
        const { width, height, bytes } = plain;
        const mask = pack(plain);
        expect(mask.toBytes()).toEqual(bytes);
        expect(mask.area).toBe(bytes.reduce((a, b) => a + b, 0));
        const xs: number[] = [];
        const ys: number[] = [];
        for (let y = -1; y <= height; y++) {
          for (let x = -1; x <= width; x++) {
            const inside = x >= 0 && y >= 0 && x < width && y < height;
            const set = inside && bytes[y * width + x] === 1;
            expect(mask.has(x, y)).toBe(set);
            if (set) {
              xs.push(x);
              ys.push(y);
            }
          }
        }
        const x = Math.min(...xs);
        const y = Math.min(...ys);
        expect(mask.bbox).toEqual(
          xs.length === 0
            ? { x: 0, y: 0, width: 0, height: 0 }
            : { x, y, width: Math.max(...xs) - x + 1, height: Math.max(...ys) - y + 1 },
        );
      }),
    );
  });

  it("compares two masks as their pixels do", () => {
    fc.assert(
      fc.property(plainMask, fc.infiniteStream(fc.constantFrom(0, 1)), (plain, stream) => {
        const { width, height, bytes } = plain;
        const other = Uint8Array.from(bytes, () => stream.next().value as number);
        const [a, b] = [pack(plain), Mask.fromBytes(width, height, other)];
        const common = bytes.reduce((n, bit, i) => n + (bit & other[i]), 0);
        const union = bytes.reduce((n, bit, i) => n + (bit | other[i]), 0);
        expect(a.intersection(b)).toBe(common);
        expect(a.iou(b)).toBe(union === 0 ? 1 : common / union);
        expect(a.contains(b)).toBe(other.every((bit, i) => bit <= bytes[i]));
        expect(a.equals(b)).toBe(other.every((bit, i) => bit === bytes[i]));
        expect(a.equals(pack(plain)) && a.contains(a)).toBe(true);
      }),
    );
  });

  it("takes the pixel that a fractional point lies in", () => {
    const mask = pack(drawn("..", ".#"));
    expect(mask.has(1.99, 1)).toBe(true);
    expect(mask.has(0.99, 1)).toBe(false);
    expect(mask.has(2, 1)).toBe(false);
    expect(mask.has(-0.5, 0)).toBe(false);
    expect(mask.has(Number.NaN, 0)).toBe(false);
  });

  it("refuses impossible sizes, wrong lengths and set padding bits", () => {
    const refused = expect.objectContaining({ code: "E_BAD_PROMPT" });
    expect(() => new Mask(0, 4, new Uint32Array(0))).toThrow(refused);
    expect(() => new Mask(1.5, 4, new Uint32Array(4))).toThrow(refused);
    expect(() => new Mask(70000, 70000, new Uint32Array(1))).toThrow(refused);
    expect(() => new Mask(33, 2, new Uint32Array(2))).toThrow(/4 words, not 2/);
    expect(() => new Mask(33, 1, Uint32Array.of(0, 2))).toThrow(/beyond its width of 33/);
    expect(() => Mask.fromBytes(3, 3, new Uint8Array(8))).toThrow(/9 values, not 8/);
    expect(() => pack(drawn("#")).iou(pack(drawn("##")))).toThrow(/1×1 and 2×1/);
  });
});

describe("mask PNG", () => {
  it("comes back as it was", async () => {
    for (const plain of fc.sample(plainMask, 40)) {
      const mask = pack(plain);
      const png = await mask.toPNG();
      expect(mask.equals(await Mask.fromPNG(png))).toBe(true);
    }
  });

  it("is 8-bit grey with 255 for foreground", async () => {
    const { default: sharp } = await import("sharp");
    const png = await pack(drawn("#..", ".#.")).toPNG();
    expect(await sharp(png).metadata()).toMatchObject({
      format: "png",
      channels: 1,
      depth: "uchar",
      space: "b-w",
    });
    expect([...(await sharp(png).toColourspace("b-w").raw().toBuffer())]).toEqual([255, 0, 0, 0, 255, 0]);
  });

  it("reads colour and 0/1 files, and refuses what is no mask", async () => {
    const { default: sharp } = await import("sharp");
    const rgba = Uint8Array.of(0, 0, 0, 255, 0, 1, 0, 0, 9, 9, 9, 255);
    const colour = await sharp(rgba, { raw: { width: 3, height: 1, channels: 4 } })
      .png()
      .toBuffer();
    expect([...(await Mask.fromPNG(colour)).toBytes()]).toEqual([0, 1, 1]);
    const refused = expect.objectContaining({ code: "E_BAD_FILE" });
    await expect(Mask.fromPNG(new Uint8Array(0))).rejects.toThrow(refused);
    await expect(Mask.fromPNG(Buffer.from("no image"))).rejects.toThrow(refused);
    await expect(Mask.fromPNG(colour.subarray(0, 60))).rejects.toThrow(refused);
    await expect(Mask.fromPNG(colour, { maxPixels: 2 })).rejects.toThrow(/limit of 2/);
    await expect(Mask.fromPNG(await sharp(colour).jpeg().toBuffer())).rejects.toThrow(/is jpeg/);
    const deep = sharp(new Uint16Array(4), { raw: { width: 2, height: 2, channels: 1 } }).toColourspace(
      "grey16",
    );
    await expect(Mask.fromPNG(await deep.png().toBuffer())).rejects.toThrow(/8 bits/);
  });

  it("of a large image is refused from its first bytes, before it is decoded", async () => {
    const { default: sharp } = await import("sharp");
    const [width, height] = [12_000, 9000];
    const black = sharp({ create: { width, height, channels: 3, background: "#000" } }).toColourspace("b-w");
    const png = await black.png({ compressionLevel: 9 }).toBuffer();
    expect(png.length).toBeLessThan(1e6);
    const before = process.memoryUsage().rss;
    await expect(Mask.fromPNG(png)).rejects.toThrow(/12000×9000 pixels, more than the limit of 100000000/);
    await expect(Mask.fromPNG(png, { maxPixels: 2e8, maxBytes: 1e6 })).rejects.toThrow(/1000000 bytes/);
    expect(process.memoryUsage().rss - before).toBeLessThan(50e6);
  });

  it("is refused or read, whatever was changed in it", async () => {
    const png = await pack(fc.sample(plainMask, { numRuns: 1, seed: 3 })[0]).toPNG();
    const change = fc.tuple(fc.nat(png.length - 1), fc.nat(255));
    const cut = fc.oneof(fc.constant(png.length), fc.nat(png.length));
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 5 }), cut, async (changes, length) => {
        const bytes = Uint8Array.from(png.subarray(0, length));
        for (const [at, value] of changes) if (at < length) bytes[at] = value;
        try {
          const { width, height } = await Mask.fromPNG(bytes, { maxPixels: 1e6 });
          expect(width * height).toBeLessThanOrEqual(1e6);
        } catch (error) {
          expect(error).toMatchObject({ name: "UnSAMError", code: "E_BAD_FILE" });
        }
      }),
      { numRuns: 300 },
    );
  });
});
