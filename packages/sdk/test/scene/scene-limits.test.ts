import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Mask, SceneHierarchy, UnSAMError } from "@unsam/sdk";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { savedScene } from "../saved/saved-files.js";

let folder: string;
let file: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "unsam-scene-limits-"));
  file = path.join(folder, "scene.json");
  // Starts the compute thread, which counts neither as time nor as memory of a file.
  await load(savedScene);
});
afterAll(() => rm(folder, { recursive: true }));

async function load(text: string, options: Parameters<typeof SceneHierarchy.load>[1] = {}) {
  await writeFile(file, text);
  return SceneHierarchy.load(file, options);
}

const head = (width: number, height: number) =>
  `{"format":"unsam-scene","version":1,"width":${width},"height":${height},"containment":0.8`;
const scene = (width: number, height: number, masks: readonly string[]) =>
  `${head(width, height)},"masks":[${masks.join()}]}`;
const maskOf = (counts: string) =>
  `{"score":1,"stability":1,"granularity":0.5,"point":null,"counts":${JSON.stringify(counts)}}`;

/** One number of COCO's text. */
function run(value: number): string {
  const group = value & 31;
  const rest = value >> 5;
  const done = rest === ((group & 16) !== 0 ? -1 : 0);
  return String.fromCharCode(48 + group + (done ? 0 : 32)) + (done ? "" : run(rest));
}

/** A mask of all pixels but `background` at the start. */
const whole = (pixels: number, background = 0) => maskOf(run(background) + run(pixels - background));
/** Five pixels, from pixel `at` on. */
const dot = (pixels: number, at: number) => maskOf(run(at) + run(5) + run(pixels - 5 - at));

const bombs: [string, () => string][] = [
  ["masks of one wide row", () => scene(1e8, 1, Array(100).fill(whole(1e8)))],
  ["masks of one pixel a row", () => scene(1, 1e8, Array(200).fill(whole(1e8)))],
  ["masks of four pixels a row", () => scene(4, 25e6, Array(200).fill(whole(1e8)))],
  [
    "many small masks of a large image",
    () =>
      scene(
        1e4,
        1e4,
        Array.from({ length: 16_384 }, (_, i) => dot(1e8, i)),
      ),
  ],
  ["many masks of an image of twelve megapixels", () => scene(4000, 3000, Array(16_384).fill(whole(12e6)))],
  ["more masks than any scene", () => scene(9, 9, Array(16_385).fill(whole(81)))],
  ["an image beyond the limit", () => scene(1e8, 2, [])],
  ["a side beyond exact numbers", () => scene(1e300, 1, [])],
  ["deep lists", () => `{"format":${"[".repeat(200_000)}${"]".repeat(200_000)}}`],
  [
    "deep objects",
    () => `${head(1, 1).replace('"width":1', `"width":${'{"a":'.repeat(1e5)}1${"}".repeat(1e5)}`)}}`,
  ],
  ["millions of empty lists", () => `${head(9, 9)},"masks":[${"[],".repeat(3e6)}[]]}`],
  ["millions of other keys", () => `${head(9, 9)},"masks":[],"more":[${"1,".repeat(3e6)}1]}`],
  ["a mask that names methods", () => scene(3, 3, ['{"score":{"toString":1,"valueOf":1}}'])],
];

describe("a scene file that asks for too much", () => {
  it.each(bombs)("%s: refused within a second, below 300 MB", async (_, text) => {
    await writeFile(file, text());
    let peak = 0;
    const watch = setInterval(() => {
      peak = Math.max(peak, process.memoryUsage().rss);
    }, 10);
    const before = process.memoryUsage().rss;
    const started = performance.now();
    const error = await SceneHierarchy.load(file).catch((caught) => caught);
    clearInterval(watch);
    expect(error).toBeInstanceOf(UnSAMError);
    expect(error.code).toBe("E_BAD_FILE");
    expect(error.message).toContain(file);
    // The promise is a second; the machine that tests may be busy.
    expect(performance.now() - started).toBeLessThan(3000);
    expect(peak - before).toBeLessThan(300e6);
  });

  it("is read where the caller allows it, and refused where the caller allows less", async () => {
    const [width, height] = [4000, 3000];
    const text = scene(width, height, [whole(width * height), dot(width * height, 70)]);
    await expect(load(text, { maxPixels: 11_999_999 })).rejects.toThrow(/limit of 11999999.*maxPixels/);
    // Maps of 8 bytes a pixel, the bits of both boxes, two packed masks and one pair.
    await expect(load(text, { maxBytes: 96e6 })).rejects.toThrow(/96000000 bytes.*maxBytes/);
    await expect(load(text, { maxBytes: 97e6 })).rejects.toThrow(/maxBytes/);
    expect((await load(text, { maxBytes: 98e6, maxPixels: 12e6 })).masks.map(({ area }) => area)).toEqual([
      width * height,
      5,
    ]);
    for (const maxBytes of [0, Number.NaN, "1" as never]) {
      await expect(load(text, { maxBytes })).rejects.toMatchObject({ code: "E_BAD_OPTION" });
    }
  });

  it("may hold many small masks of a large image, and takes time for what they cover alone", async () => {
    // Unpacked whole, these masks would be 7.5 GB.
    const [width, height] = [6000, 4000];
    const masks = Array.from({ length: 2500 }, (_, i) => dot(width * height, i * 9000 + 17));
    const { masks: found } = await load(scene(width, height, masks));
    expect(found.length).toBe(2500);
    expect(found[1].mask.has(2, 1017)).toBe(true);
    expect(found[1].area).toBe(5);
  });

  it("stops in the midst of its masks when aborted, so that the next call is answered", async () => {
    // 500 masks that cover an image of 12 megapixels: all of their overlaps take a minute.
    const text = scene(
      4000,
      3000,
      Array.from({ length: 500 }, (_, i) => whole(12e6, i)),
    );
    await writeFile(file, text);
    const reason = new Error("enough");
    const controller = new AbortController();
    const loading = SceneHierarchy.load(file, { signal: controller.signal });
    setTimeout(() => controller.abort(reason), 1500);
    await expect(loading).rejects.toBe(reason);
    const started = performance.now();
    await load(savedScene);
    expect(performance.now() - started).toBeLessThan(15_000);
  });

  it("is refused or read, whatever was changed in it", async () => {
    const piece = fc.oneof(
      fc.constantFrom(
        "{",
        "}",
        "[",
        "]",
        '"',
        ",",
        ":",
        "1e9",
        "-1",
        "null",
        "99999999",
        "\\u0000",
        '"masks"',
      ),
      fc.string({ maxLength: 3, unit: "binary" }),
    );
    const change = fc.tuple(fc.nat(savedScene.length), fc.nat(8), piece);
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        let text = savedScene;
        for (const [at, cut, insert] of changes) text = text.slice(0, at) + insert + text.slice(at + cut);
        try {
          const { width, height, masks } = await load(text, { maxPixels: 1e6, maxBytes: 50e6 });
          for (const { mask } of masks) {
            expect(mask).toBeInstanceOf(Mask);
            expect([mask.width, mask.height]).toEqual([width, height]);
          }
        } catch (error) {
          expect(error, text).toMatchObject({ name: "UnSAMError", code: "E_BAD_FILE" });
        }
      }),
      { numRuns: 400 },
    );
  });
});
