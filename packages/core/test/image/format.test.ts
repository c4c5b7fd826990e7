import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { gzipSync } from "node:zlib";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkImageFile, decodeImage, formatOf } from "#core/image/index.js";
import { Mask } from "#core/mask/index.js";

// libvips draws SVG and opens whatever its build can. It must not see anything but the six formats that are decoded.

const folder = mkdtempSync(path.join(tmpdir(), "unsam-format-"));
const at = (name: string) => path.join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

const picture = sharp({ create: { width: 20, height: 10, channels: 3, background: "#409020" } });
const GIGABYTES =
  '<svg xmlns="http://www.w3.org/2000/svg" width="30000" height="30000"><rect width="9" height="9"/></svg>';
const lol = Array.from({ length: 9 }, (_, i) => `<!ENTITY l${i + 1} "${`&l${i};`.repeat(10)}">`).join("");
const BOMB = `<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY l0 "lol">${lol}]>${GIGABYTES.replace("<rect", "<text>&l9;</text><rect")}`;

const drawings: [string, Buffer][] = [
  ["SVG of 900 megapixels", Buffer.from(GIGABYTES)],
  ["SVG with a byte order mark", Buffer.from(`\ufeff${GIGABYTES}`)],
  ["SVG behind a comment", Buffer.from(`<!-- ${"x".repeat(500)} -->\n${GIGABYTES}`)],
  ["SVG with nested entities", Buffer.from(BOMB)],
  ["SVG that names a file", Buffer.from(GIGABYTES.replace("<rect", '<image href="/etc/passwd"/><rect'))],
  ["SVG in gzip", gzipSync(GIGABYTES)],
  ["SVG in UTF-16", Buffer.from(`\ufeff${GIGABYTES}`, "utf16le")],
];
const others: [string, Buffer, RegExp][] = [
  ["PDF", Buffer.from("%PDF-1.7\n1 0 obj\n<</Type/Catalog>>"), /PDF/],
  ["BMP", Buffer.from(`BM${"\0".repeat(60)}`), /BMP/],
  ["HEIC", Buffer.from("\0\0\0\x18ftypheic\0\0\0\0mif1heic"), /HEIC/],
  ["a web page", Buffer.from("<!DOCTYPE html><html><body>404</body></html>"), /HTML/],
  [
    "a pointer of Git LFS",
    Buffer.from("version https://git-lfs.github.com/spec/v1\noid sha256:0"),
    /git lfs pull/,
  ],
  ["libvips' own format", Buffer.from(`\x08\xf2\xa6\xb6${"\0".repeat(60)}`, "latin1"), /libvips/],
  ["Netpbm", Buffer.from("P6 1 1 255\nabc"), /not an image/],
  ["text", Buffer.from("hello"), /not an image/],
];

describe("formats", () => {
  it.each(["jpeg", "png", "webp", "tiff", "gif", "avif"] as const)(
    "knows %s as sharp does",
    async (format) => {
      const bytes = await picture.clone().toFormat(format).toBuffer();
      expect(formatOf(bytes)).toBe(format);
      expect((await sharp(bytes).metadata()).format).toBe(format === "avif" ? "heif" : format);
      expect(await decodeImage(bytes)).toMatchObject({ width: 20, height: 10 });
    },
  );

  it("knows TIFF of both byte orders, and of more than 4 GB", async () => {
    const big = await picture.clone().tiff({ bigtiff: true }).toBuffer();
    expect(big[2]).toBe(43);
    expect(await decodeImage(big)).toMatchObject({ width: 20 });
    for (const text of ["II*\0", "MM\0*", "MM\0+"]) expect(formatOf(Buffer.from(text))).toBe("tiff");
  });

  it("knows AVIF by any of its brands", () => {
    expect(formatOf(Buffer.from("\0\0\0\x1cftypmif1\0\0\0\0mif1avif"))).toBe("avif");
    expect(formatOf(Buffer.from("\0\0\0\x18ftypavis\0\0\0\0"))).toBe("avif");
    // Brands end where the box does.
    expect(formatOf(Buffer.from("\0\0\0\x10ftypmif1\0\0\0\0avif"))).toBe(null);
  });

  it.each(drawings)("refuses %s, as bytes, as a file of another name, and as a mask", async (name, bytes) => {
    const file = at("drawing.png");
    writeFileSync(file, bytes);
    const refusal = { code: "E_BAD_IMAGE", message: expect.stringMatching(/SVG|gzip|not an image/) };
    const before = sharp.counters();
    for (const input of [bytes, file]) await expect(decodeImage(input), name).rejects.toMatchObject(refusal);
    await expect(checkImageFile(file)).rejects.toMatchObject(refusal);
    await expect(Mask.fromPNG(bytes)).rejects.toMatchObject({ code: "E_BAD_FILE" });
    expect(sharp.counters()).toEqual(before);
  });

  it.each(others)("refuses %s and says what it is", async (_, bytes, message) => {
    await expect(decodeImage(bytes)).rejects.toMatchObject({
      code: "E_BAD_IMAGE",
      message: expect.stringMatching(message),
    });
    await expect(Mask.fromPNG(bytes)).rejects.toMatchObject({ code: "E_BAD_FILE" });
  });

  it("gives libvips nothing of them", () => {
    // A process in which libvips cannot draw at all tells the same, so that the refusal is ours.
    writeFileSync(at("all.json"), JSON.stringify(drawings.map(([, bytes]) => bytes.toString("base64"))));
    const program = `
      import { readFileSync } from "node:fs";
      import sharp from "sharp";
      import { decodeImage } from "#core/image/index.js";
      const seen = [];
      sharp.block({ operation: ["VipsForeignLoad"] });
      for (const text of JSON.parse(readFileSync(process.argv[1], "utf8")))
        seen.push(await decodeImage(Buffer.from(text, "base64")).catch((error) => error.message));
      console.log(JSON.stringify(seen));`;
    const args = ["--input-type=module", "-e", program, at("all.json")];
    const messages: string[] = JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" }));
    for (const message of messages) expect(message).toMatch(/SVG|gzip|does not begin like/);
  });
});

describe.skipIf(process.platform === "win32")("files that are no images", () => {
  beforeAll(() => execFileSync("mkfifo", [at("fifo.png")]));

  it.each([
    ["fifo.png", /not a regular file/],
    ["/dev/zero", /not a regular file/],
    [".", /is a folder/],
    ["none.png", /There is no file/],
  ])("%s is refused before it is read", async (name, message) => {
    const file = name.startsWith("/") ? name : at(name);
    for (const look of [decodeImage, checkImageFile]) {
      await expect(look(file)).rejects.toMatchObject({
        code: "E_BAD_IMAGE",
        message: expect.stringMatching(message),
      });
    }
  });

  it("a large file of another kind is refused by its first bytes", async () => {
    // Two gigabytes of nothing, and no image: more than would be read.
    execFileSync("truncate", ["-s", "2G", at("sparse.png")]);
    await expect(decodeImage(at("sparse.png"))).rejects.toThrow(/does not begin like/);
  });
});
