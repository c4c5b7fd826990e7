import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { deflateSync } from "node:zlib";
import { describeWithShared, shared } from "@unsam/test-support";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeImage, type ImageInput, type RgbImage } from "#core/image/index.js";
import { pngChunks, unfilterPng } from "./png-chunks.js";

const WIDTH = 7;
const HEIGHT = 5;
/** A picture without symmetry: every pixel has its own colour. */
const RGB = Uint8Array.from({ length: WIDTH * HEIGHT * 3 }, (_, i) => (i * 37 + (i % 3) * 11) % 256);

const picture = () => sharp(RGB, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } });
const pixels = ({ data, width }: RgbImage, x: number, y: number) => [
  ...data.subarray((y * width + x) * 3).subarray(0, 3),
];

/** The code and sentence of a refusal. */
async function refusal(input: unknown, options = {}): Promise<string> {
  try {
    await decodeImage(input as ImageInput, options);
  } catch (error) {
    expect(error).toMatchObject({ name: "UnSAMError", code: "E_BAD_IMAGE" });
    const { message } = error as Error;
    expect(message).toMatch(/^[^\n]+\.$/);
    return message;
  }
  return expect.fail("it was accepted");
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "unsam-image-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("decodeImage takes", () => {
  it("a path, a file: URL, a Buffer, a Uint8Array, raw pixels and a pipeline alike, byte for byte", async () => {
    const png = await picture().png().toBuffer();
    const file = path.join(folder, "a b[page=1].png");
    await writeFile(file, png);
    const padded = new Uint8Array(png.length + 8);
    padded.set(png, 8);
    const inputs: ImageInput[] = [
      file,
      pathToFileURL(file),
      png,
      padded.subarray(8),
      { data: RGB, width: WIDTH, height: HEIGHT, channels: 3 },
      { data: new Uint8ClampedArray(RGB), width: WIDTH, height: HEIGHT, channels: 3 },
      picture(),
      sharp(png),
      sharp(file),
    ];
    for (const input of inputs) {
      expect(await decodeImage(input)).toEqual({ data: RGB, width: WIDTH, height: HEIGHT });
    }
  });

  it.each(["webp", "tiff", "avif"] as const)("lossless %s", async (format) => {
    const options =
      format === "tiff" ? { compression: "lzw" } : { lossless: true, chromaSubsampling: "4:4:4" };
    const { data, width, height } = await decodeImage(await picture().toFormat(format, options).toBuffer());
    expect([width, height]).toEqual([WIDTH, HEIGHT]);
    // AVIF stores YCbCr, which rounds.
    const most = data.reduce((max, byte, i) => Math.max(max, Math.abs(byte - RGB[i])), 0);
    expect(most).toBeLessThanOrEqual(format === "avif" ? 3 : 0);
  });

  it("raw grey, grey with alpha, and RGB with alpha, without touching or keeping the caller's bytes", async () => {
    const grey = Uint8Array.of(10, 20, 30, 40);
    const cases = [
      [{ data: grey, width: 4, height: 1, channels: 1 }, [10, 10, 10, 20, 20, 20, 30, 30, 30, 40, 40, 40]],
      [{ data: grey, width: 2, height: 1, channels: 2 }, [10, 10, 10, 30, 30, 30]],
      [{ data: grey, width: 1, height: 1, channels: 4 }, [10, 20, 30]],
    ] as const;
    for (const [input, expected] of cases) {
      const image = await decodeImage(input);
      expect([...image.data]).toEqual(expected);
      image.data.fill(0);
    }
    expect([...grey]).toEqual([10, 20, 30, 40]);
    const own = RGB.slice();
    const image = await decodeImage({ data: own, width: WIDTH, height: HEIGHT, channels: 3 });
    own.fill(0);
    expect(image.data).toEqual(RGB);
  });

  it("images with alpha, keeping the colours under transparent pixels", async () => {
    const rgba = Uint8Array.of(200, 100, 50, 0, 1, 2, 3, 128);
    const png = await sharp(rgba, { raw: { width: 2, height: 1, channels: 4 } })
      .png()
      .toBuffer();
    expect([...(await decodeImage(png)).data]).toEqual([200, 100, 50, 1, 2, 3]);
  });

  it("16-bit colour and grey, by their high bytes", async () => {
    const samples = Uint16Array.of(0, 255, 256, 32768, 65279, 65535);
    const colour = sharp(samples, { raw: { width: 2, height: 1, channels: 3 } }).toColourspace("rgb16");
    const grey = sharp(samples, { raw: { width: 6, height: 1, channels: 1 } }).toColourspace("grey16");
    const high = [0, 0, 1, 128, 254, 255];
    for (const format of ["png", "tiff"] as const) {
      const lossless = format === "tiff" ? { compression: "none" } : {};
      const bytes = await colour.clone().toFormat(format, lossless).toBuffer();
      expect((await sharp(bytes).metadata()).depth).toBe("ushort");
      expect([...(await decodeImage(bytes)).data]).toEqual(high);
      expect([...(await decodeImage(await grey.clone().toFormat(format, lossless).toBuffer())).data]).toEqual(
        high.flatMap((value) => [value, value, value]),
      );
    }
  });

  it("palette and 1-bit images", async () => {
    const black = await sharp(Uint8Array.of(0, 255, 255, 0), { raw: { width: 4, height: 1, channels: 1 } })
      .png({ palette: true, colours: 2 })
      .toBuffer();
    expect([...(await decodeImage(black)).data]).toEqual([0, 0, 0, 255, 255, 255, 255, 255, 255, 0, 0, 0]);
  });

  it("CMYK, converted to sRGB", async () => {
    const cmyk = await sharp({ create: { width: 16, height: 16, channels: 3, background: "#c83214" } })
      .toColourspace("cmyk")
      .jpeg({ quality: 100 })
      .toBuffer();
    expect((await sharp(cmyk).metadata()).space).toBe("cmyk");
    const [red, green, blue] = pixels(await decodeImage(cmyk), 8, 8);
    expect(red).toBeGreaterThan(180);
    expect(green).toBeLessThan(80);
    expect(blue).toBeLessThan(60);
  });

  it.each(["gif", "webp"] as const)("the first frame of an animated %s", async (format) => {
    const frames = new Uint8Array(8 * 24 * 3);
    for (let i = 0; i < frames.length; i += 3) frames[i + Math.floor(i / (8 * 8 * 3))] = 255;
    const animated = await sharp(frames, { raw: { width: 8, height: 24, channels: 3, pageHeight: 8 } })
      .toFormat(format, format === "webp" ? { lossless: true } : {})
      .toBuffer();
    expect((await sharp(animated).metadata()).pages).toBe(3);
    const image = await decodeImage(animated);
    expect([image.width, image.height]).toEqual([8, 8]);
    expect(pixels(image, 4, 4)).toEqual([255, 0, 0]);
  });

  it("all eight EXIF orientations, from files and from pipelines that do not turn them", async () => {
    for (let orientation = 1; orientation <= 8; orientation++) {
      // Where the upright pixel (x, y) is stored, by the definition of the tag.
      const [w, h] = orientation > 4 ? [HEIGHT, WIDTH] : [WIDTH, HEIGHT];
      const stored = (x: number, y: number) =>
        [
          [x, y],
          [w - 1 - x, y],
          [w - 1 - x, h - 1 - y],
          [x, h - 1 - y],
          [y, x],
          [y, w - 1 - x],
          [h - 1 - y, w - 1 - x],
          [h - 1 - y, x],
        ][orientation - 1];
      const tagged = await picture().withMetadata({ orientation }).tiff({ compression: "none" }).toBuffer();
      for (const input of [tagged, sharp(tagged), sharp(tagged).autoOrient(), sharp(tagged).rotate()]) {
        const image = await decodeImage(input);
        expect([image.width, image.height]).toEqual([w, h]);
        for (let y = 0; y < h; y++) {
          for (let x = 0; x < w; x++) {
            const [sx, sy] = stored(x, y);
            const i = (sy * WIDTH + sx) * 3;
            expect(pixels(image, x, y)).toEqual([...RGB.subarray(i, i + 3)]);
          }
        }
      }
    }
  });

  it("what a pipeline makes, leaving the pipeline usable", async () => {
    const pipeline = picture().extract({ left: 2, top: 1, width: 3, height: 2 });
    const image = await decodeImage(pipeline);
    expect([image.width, image.height]).toEqual([3, 2]);
    expect(pixels(image, 0, 0)).toEqual([...RGB.subarray((WIDTH + 2) * 3, (WIDTH + 2) * 3 + 3)]);
    expect((await pipeline.png().toBuffer({ resolveWithObject: true })).info.width).toBe(3);
  });

  it("a colour profile for what it says, and sRGB byte for byte", async () => {
    const tagged = await picture().withIccProfile("srgb").png().toBuffer();
    expect((await sharp(tagged).metadata()).hasProfile).toBe(true);
    expect((await decodeImage(tagged)).data).toEqual(RGB);
    const green = sharp({ create: { width: 4, height: 4, channels: 3, background: "#30c040" } });
    const wide = await green.withIccProfile("p3").png().toBuffer();
    const stored = [...(await sharp(wide, { ignoreIcc: true }).raw().toBuffer())].slice(0, 3);
    const shown = pixels(await decodeImage(wide), 0, 0);
    expect(stored).not.toEqual([0x30, 0xc0, 0x40]);
    shown.forEach((value, c) => {
      expect(Math.abs(value - [0x30, 0xc0, 0x40][c])).toBeLessThanOrEqual(2);
    });
  });
});

describe("decodeImage refuses", () => {
  it("missing files, directories, addresses", async () => {
    expect(await refusal(path.join(folder, "none.jpg"))).toMatch(/There is no file/);
    expect(await refusal(path.join(folder, "none", "none.jpg"))).toMatch(/There is no file/);
    expect(await refusal(folder)).toMatch(/is a folder/);
    expect(await refusal("/dev/null")).toMatch(/not a regular file/);
    expect(await refusal("https://example.org/cat.jpg")).toMatch(/addresses are not fetched/);
    expect(await refusal(new URL("https://example.org/cat.jpg"))).toMatch(/fetch it yourself/);
    expect(await refusal(new URL("data:image/png;base64,AAAA"))).toMatch(/not a file: URL/);
    expect(await refusal("a\0b.png")).toMatch(/cannot be read/);
  });

  it("empty, foreign, truncated and damaged files", async () => {
    expect(await refusal(new Uint8Array(0))).toMatch(/empty/);
    expect(await refusal(Buffer.from("just some text, no image\n".repeat(20)))).toMatch(/not an image/);
    const empty = path.join(folder, "empty.png");
    await writeFile(empty, "");
    expect(await refusal(empty)).toMatch(/empty\.png” is empty/);
    const noise = Uint8Array.from({ length: 200 * 200 * 3 }, (_, i) => (i * 7919) % 251);
    const large = sharp(noise, { raw: { width: 200, height: 200, channels: 3 } });
    for (const format of ["jpeg", "png", "webp", "gif", "tiff", "avif"] as const) {
      const bytes = await large.clone().toFormat(format).toBuffer();
      expect(await refusal(bytes.subarray(0, Math.floor(bytes.length / 2))), format).toBeTruthy();
      expect(await refusal(bytes.subarray(0, 12)), format).toBeTruthy();
    }
    const png = await large.clone().png().toBuffer();
    expect(await refusal(Buffer.from(png).fill(0x55, png.length >> 1, (png.length >> 1) + 40))).toMatch(
      /damaged/,
    );
  });

  it("random damage without ever crashing", async () => {
    let state = 7;
    const random = (n: number) => {
      state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
      return state % n;
    };
    for (const format of ["jpeg", "png", "webp", "gif", "tiff"] as const) {
      const bytes = await picture().resize(40, 30).toFormat(format).toBuffer();
      for (let round = 0; round < 60; round++) {
        const damaged = Buffer.from(bytes);
        for (let k = 0; k < 4; k++) damaged[random(damaged.length)] = random(256);
        try {
          const { data, width, height } = await decodeImage(damaged, { maxPixels: 1e6 });
          expect(data.length).toBe(width * height * 3);
        } catch (error) {
          expect(error).toMatchObject({ code: "E_BAD_IMAGE" });
        }
      }
    }
  });

  it("SVG, floating-point samples, and things that are no image", async () => {
    const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>');
    expect(await refusal(svg)).toMatch(/SVG/);
    const scene = sharp(new Float32Array(12), { raw: { width: 2, height: 2, channels: 3 } }).toColourspace(
      "scrgb",
    );
    const float = await scene.tiff({ compression: "none" }).toBuffer();
    if ((await sharp(float).metadata()).depth === "float")
      expect(await refusal(float)).toMatch(/samples of type/);
    for (const input of [
      undefined,
      null,
      5,
      {},
      [],
      () => 1,
      { data: "abc", width: 1, height: 1, channels: 3 },
    ]) {
      await refusal(input);
    }
  });

  it("raw pixels that do not fit their size", async () => {
    const data = new Uint8Array(12);
    expect(await refusal({ data, width: 2, height: 2, channels: 4 })).toMatch(/16 bytes, not 12/);
    for (const [width, height, channels] of [
      [0, 2, 3],
      [2, -2, 3],
      [1.5, 2, 3],
      [Number.NaN, 2, 3],
      [2, 2, 5],
      [4, 3, 0],
      [2 ** 40, 2, 3],
      ["2", 2, 3],
    ]) {
      expect(await refusal({ data, width, height, channels })).toMatch(/must be a whole number/);
    }
    expect(await refusal({ data: new Float32Array(12), width: 2, height: 2, channels: 3 })).toMatch(
      /Float32Array/,
    );
  });

  it("more pixels than the limit, before decoding them", async () => {
    // 20000 × 20000 in a few hundred kilobytes: the rows of a real PNG, but many more of them.
    const bomb = pngChunks(20000, 20000, deflateSync(new Uint8Array(20001 * 500)));
    const file = path.join(folder, "bomb.png");
    await writeFile(file, bomb);
    const start = performance.now();
    for (const input of [bomb, file]) {
      expect(await refusal(input)).toMatch(
        /20000×20000 pixels, more than the limit of 100000000; .*maxPixels/,
      );
    }
    expect(await refusal(sharp(bomb, { limitInputPixels: false }))).toMatch(/20000×20000/);
    expect(performance.now() - start).toBeLessThan(2000);

    const png = await picture().png().toBuffer();
    expect(await refusal(png, { maxPixels: 34 })).toMatch(/7×5 pixels, more than the limit of 34/);
    expect((await decodeImage(png, { maxPixels: 35 })).width).toBe(7);
    expect((await decodeImage(png, { maxPixels: Number.POSITIVE_INFINITY })).width).toBe(7);
    const raw = { data: RGB, width: WIDTH, height: HEIGHT, channels: 3 } as const;
    expect(await refusal(raw, { maxPixels: 34 })).toMatch(/limit of 34/);
    expect(await refusal(picture().resize(70, 50), { maxPixels: 3000 })).toMatch(/70×50/);
    // The header promises few pixels, the data are far more: they are not unpacked beyond the header's size.
    const stuffed = pngChunks(7, 5, deflateSync(new Uint8Array(50_000_000)));
    const image = await decodeImage(stuffed).catch((error) => error);
    expect(image.code ?? image.width).toSatisfy((value: unknown) => value === "E_BAD_IMAGE" || value === 7);
  });

  it("senseless limits", async () => {
    const png = await picture().png().toBuffer();
    for (const maxPixels of [0, -1, Number.NaN, "9" as never]) {
      await expect(decodeImage(png, { maxPixels })).rejects.toMatchObject({ code: "E_BAD_OPTION" });
    }
  });

  it("to go on after an abort", async () => {
    const png = await picture().resize(3000, 3000).png().toBuffer();
    const reason = new Error("changed my mind");
    await expect(decodeImage(png, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const controller = new AbortController();
    const work = decodeImage(png, { signal: controller.signal });
    setImmediate(() => controller.abort(reason));
    await expect(work).rejects.toBe(reason);
  });

  it("and leaves no files behind", async () => {
    expect((await readdir(folder)).sort()).toEqual(["a b[page=1].png", "bomb.png", "empty.png"]);
  });
});

describeWithShared("decodeImage on the parity photos", () => {
  it.each(["unsamv2-mini", "sam21-mini"])("%s: the very bytes of the PNG", async (set) => {
    for (const name of ["img0.png", "img1.png"]) {
      const bytes = await readFile(shared("parity", set, name));
      const image = await decodeImage(bytes);
      // The pixels again, through the PNG format alone: chunks, zlib, filters.
      expect(Buffer.compare(image.data, unfilterPng(bytes))).toBe(0);
    }
  });
});
