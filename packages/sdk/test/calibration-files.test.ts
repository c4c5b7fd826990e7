import { execFileSync } from "node:child_process";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Calibration, Mask, readCalibrationTargets, UnSAM, UnSAMError } from "@unsam/sdk";
import fc from "fast-check";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const posix = process.platform !== "win32";
let folder: string;
const at = (name: string) => path.join(folder, name);
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "unsam-calibration-"));
  if (!posix) return;
  execFileSync("mkfifo", [at("fifo")]);
  await symlink("/dev/zero", at("zero"));
});
afterAll(() => rm(folder, { recursive: true }));

const PLAIN = {
  format: "unsam-calibration",
  version: 1,
  knots: [
    [0, 0],
    [0.5, 0.3],
    [1, 1],
  ],
};
const region = (mask: unknown) => ({ image: "a.png", points: [[1, 2]], granularity: 0.5, mask });
const rle = (height: number, width: number) => ({ size: [height, width], counts: [height * width] });

async function readList(value: unknown, options = {}) {
  const file = at("list.json");
  await writeFile(file, typeof value === "string" ? value : JSON.stringify(value));
  return readCalibrationTargets(file, options);
}

describe("a calibration file", () => {
  it("is read with a byte order mark, and written back the same", async () => {
    await writeFile(at("bom.json"), `\ufeff${JSON.stringify(PLAIN)}`);
    const read = await Calibration.read(at("bom.json"));
    expect(read.toModel(0.25)).toBeCloseTo(0.15);
    await read.save(at("again.json"));
    expect((await Calibration.read(at("again.json"))).knots).toEqual(PLAIN.knots);
  });

  it.runIf(posix).each(["fifo", "zero", "."])("is refused at once where it is no file: %s", async (name) => {
    await expect(Calibration.read(at(name))).rejects.toMatchObject({ code: "E_BAD_FILE" });
    await expect(UnSAM.load({ model: "region-tree", calibration: at(name) })).rejects.toMatchObject({
      code: "E_BAD_FILE",
    });
  });

  it.each([
    ["deep nesting", `{"format":${"[".repeat(30_000)}${"]".repeat(30_000)}}`],
    ["many values", `{"format":[${"1,".repeat(20_000)}1]}`],
    ["many bytes", JSON.stringify({ ...PLAIN, more: "x".repeat(70_000) })],
    ["long names of keys", JSON.stringify({ ...PLAIN, ["x".repeat(60_000)]: 1 })],
    ["no JSON", "knots"],
  ])("is refused with one short sentence for %s", async (_, text) => {
    await writeFile(at("bad.json"), text);
    const error = await Calibration.read(at("bad.json")).catch((caught) => caught);
    expect(error).toMatchObject({ name: "UnSAMError", code: "E_BAD_FILE" });
    expect(error.message).toContain("bad.json");
    expect(error.message.length).toBeLessThan(800);
  });
});

describe("a list of calibration targets", () => {
  it("brings its masks, of RLE and of PNG, and its images once each", async () => {
    const mask = Mask.fromBytes(
      5,
      4,
      Uint8Array.from({ length: 20 }, (_, i) => (i % 3 === 0 ? 1 : 0)),
    );
    await writeFile(at("m.png"), await mask.toPNG());
    const list = {
      regions: [
        region("m.png"),
        region(mask.toRLE()),
        {
          ...region(mask.toRLE({ compressed: false })),
          image: "b.png",
          box: [0, 0, 2, 2],
          granularity: "fine",
        },
        { ...region("m.png"), image: "./a.png" },
      ],
    };
    const { images, targets } = await readList(`\ufeff${JSON.stringify(list)}`);
    expect(images).toEqual([at("a.png"), at("b.png")]);
    expect(targets.map(({ image }) => image)).toEqual([0, 0, 1, 0]);
    expect(targets.every((target) => target.mask.equals(mask))).toBe(true);
    expect(targets[2].prompt).toEqual({ points: [[1, 2]], box: [0, 0, 2, 2], granularity: "fine" });
  });

  it.each([
    ["rows of one pixel", { regions: Array(20).fill(region(rle(1e8, 1))) }, /regions\.0: .*100000000/],
    ["wide masks", { regions: Array(100).fill(region(rle(1, 1e8))) }, /1073741824 bytes.*maxBytes/],
    ["square masks", { regions: Array(90).fill(region(rle(1e4, 1e4))) }, /1073741824 bytes.*maxBytes/],
    [
      "a size that names methods",
      { regions: [region({ size: { toString: 1 }, counts: [1] })] },
      /regions\.0/,
    ],
    ["a mask of empty lists", `{"regions":[{"mask":[${"[],".repeat(2 ** 24)}[]]}]}`, /values/],
    ["deep nesting", `{"regions":${'[{"a":'.repeat(1e5)}1${"}]".repeat(1e5)}}`, /nests deeper/],
  ])("is refused for %s, before the first mask is filled", async (_, list, reason) => {
    const before = process.memoryUsage().rss;
    const error = await readList(list).catch((caught) => caught);
    expect(error).toBeInstanceOf(UnSAMError);
    expect(error).toMatchObject({ code: "E_BAD_FILE", message: expect.stringMatching(reason) });
    expect(process.memoryUsage().rss - before).toBeLessThan(300e6);
  });

  it("is refused for PNG masks that are small as files alone", async () => {
    const side = 9000;
    const black = { create: { width: side, height: side, channels: 3, background: "#000" } } as const;
    await sharp(black).toColourspace("b-w").png({ compressionLevel: 9 }).toFile(at("black.png"));
    const before = process.memoryUsage().rss;
    await expect(readList({ regions: Array(110).fill(region("black.png")) })).rejects.toThrow(/maxBytes/);
    expect(process.memoryUsage().rss - before).toBeLessThan(300e6);
    await expect(readList({ regions: [region("black.png")] }, { maxPixels: 80e6 })).rejects.toThrow(
      /regions\.0: .*9000×9000.*maxPixels/,
    );
  });

  it("is refused or read as the caller's limits say", async () => {
    const list = { regions: [region(rle(100, 320)), region(rle(100, 320))] };
    expect((await readList(list, { maxBytes: 8000, maxPixels: 32_000 })).targets.length).toBe(2);
    await expect(readList(list, { maxBytes: 7999 })).rejects.toThrow(/7999 bytes/);
    await expect(readList(list, { maxPixels: 31_999 })).rejects.toThrow(/limit of 31999/);
    await expect(readList(list, { maxBytes: -1 })).rejects.toMatchObject({ code: "E_BAD_OPTION" });
    const reason = new Error("enough");
    await expect(readList(list, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  it.runIf(posix).each(["fifo", "zero", "."])("is refused where a mask is no file: %s", async (name) => {
    await expect(readList({ regions: [region(name)] })).rejects.toMatchObject({ code: "E_BAD_FILE" });
    await expect(readCalibrationTargets(at(name))).rejects.toMatchObject({ code: "E_BAD_FILE" });
  });

  it("is refused or read, whatever was changed in it", async () => {
    const mask = Mask.fromBytes(
      9,
      7,
      Uint8Array.from({ length: 63 }, (_, i) => (i % 5 < 2 ? 1 : 0)),
    );
    const whole = JSON.stringify({
      regions: [region(mask.toRLE()), region(mask.toRLE({ compressed: false }))],
    });
    const piece = fc.oneof(
      fc.constantFrom("{", "}", "[", "]", '"', ",", ":", "1e9", "-1", "null", "99999999", '"mask"'),
      fc.string({ maxLength: 3, unit: "binary" }),
    );
    const changes = fc.array(fc.tuple(fc.nat(whole.length), fc.nat(8), piece), {
      minLength: 1,
      maxLength: 4,
    });
    await fc.assert(
      fc.asyncProperty(changes, async (made) => {
        let text = whole;
        for (const [from, cut, insert] of made) text = text.slice(0, from) + insert + text.slice(from + cut);
        try {
          const { targets } = await readList(text, { maxPixels: 1e6, maxBytes: 1e7 });
          expect(targets.every((target) => target.mask instanceof Mask)).toBe(true);
        } catch (error) {
          expect(error, text).toMatchObject({ name: "UnSAMError", code: "E_BAD_FILE" });
        }
      }),
      { numRuns: 300 },
    );
  });
});
