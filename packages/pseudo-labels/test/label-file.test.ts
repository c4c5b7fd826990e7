import { Mask } from "@unsam/core/mask";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type LabelFile, labelFile, parseLabelFile } from "#pseudo-labels/index.js";

const SIZE = { width: 37, height: 21 };
const mask = (from: number, to: number) =>
  Mask.fromBytes(
    SIZE.width,
    SIZE.height,
    Uint8Array.from({ length: 37 * 21 }, (_, i) => (i >= from && i < to ? 1 : 0)),
  );
const member = (from: number, to: number, isPart: boolean) => ({
  mask: mask(from, to),
  granularity: isPart ? 0.4 : 1,
  isPart,
  predictedIou: 0.9,
  stability: 0.8,
});
const made: LabelFile = labelFile({ file_name: "a.png", id: 1, ...SIZE }, { divide: "tree", recipe: "2" }, [
  [member(40, 300, false), member(50, 90, true)],
  [member(400, 500, false)],
]);
const text = JSON.stringify(made);

/** The file with one value, given as a path, replaced. */
function changed(path: string, value: unknown): string {
  const copy = structuredClone(made) as never;
  const keys = path.split(".");
  let target: Record<string, unknown> = copy;
  for (const key of keys.slice(0, -1)) target = target[key] as Record<string, unknown>;
  target[keys.at(-1)!] = value;
  return JSON.stringify(copy);
}

describe("a label file", () => {
  it("is read as it was made", () => {
    expect(parseLabelFile(text, "a.json")).toEqual(made);
  });

  it("of the first recipe is read, too", () => {
    const old = structuredClone(made) as never as Record<string, unknown>;
    delete old.categories;
    for (const annotation of old.annotations as Record<string, unknown>[]) delete annotation.image_id;
    expect(parseLabelFile(JSON.stringify(old), "a.json")).toEqual(old);
  });

  it.each([
    ["image", null, /needs image/],
    ["image.width", 3.5, /needs image/],
    ["image.height", -1, /needs image/],
    ["annotations", {}, /needs image/],
    ["annotations.0", null, /annotation 0 has the value null/],
    ["annotations.1.segmentation", "x", /annotation 1 has the segmentation "x"/],
    ["annotations.1.segmentation.counts", [1], /annotation 1 has the segmentation/],
    ["annotations.1.segmentation.counts", "zz", /annotation 1: /],
    [
      "annotations.1.segmentation.size",
      [37, 21],
      /annotation 1 is a mask of \[37, 21\], but the image is \[21, 37\]/,
    ],
    ["annotations.0.bbox", [1, 2, 3], /the bbox \[1, 2, 3\]/],
    ["annotations.0.area", "7", /the area "7"/],
    ["annotations.0.id", 0, /the id 0/],
    ["annotations.2.granularity", { toString: 1 }, /the granularity/],
    ["annotations.2.is_part", 1, /is_part 1/],
    ["annotations.2.stability_score", null, /the stability_score null/],
  ])("with %s %j is refused by name", (path, value, reason) => {
    expect(() => parseLabelFile(changed(path, value), "a.json")).toThrow(
      expect.objectContaining({ code: "E_BAD_FILE", message: expect.stringMatching(reason) }),
    );
  });

  it("that asks for too much is refused before anything is filled", () => {
    const large = (width: number, height: number, count: number) => {
      const annotation = { ...made.annotations[0], segmentation: { size: [height, width], counts: "" } };
      // Zero background, then all of it.
      const pixels = width * height;
      const groups = [];
      for (let rest = pixels; ; rest = Math.floor(rest / 32)) {
        groups.push(rest % 32);
        if (rest < 16) break;
      }
      const counts = `0${groups.map((g, i) => String.fromCharCode(48 + g + (i + 1 < groups.length ? 32 : 0))).join("")}`;
      annotation.segmentation.counts = counts;
      const image = { ...made.image, width, height };
      return JSON.stringify({ ...made, image, annotations: Array(count).fill(annotation) });
    };
    expect(parseLabelFile(large(4000, 3000, 100), "a.json").annotations.length).toBe(100);
    for (const bomb of [large(1e4, 1e4, 90), large(1e8, 1, 100), large(1, 1e8, 1), large(1e5, 1e5, 0)]) {
      expect(() => parseLabelFile(bomb, "a.json")).toThrow(/maxBytes|maxPixels/);
    }
    expect(() => parseLabelFile(large(4000, 3000, 2), "a.json", { maxBytes: 2e6 })).toThrow(/2000000 bytes/);
    expect(() => parseLabelFile(`{"a":${"[".repeat(1e5)}`, "a.json")).toThrow(/nests deeper/);
    expect(() => parseLabelFile(`{"a":[${"1,".repeat(2 ** 20)}1]}`, "a.json")).toThrow(/values/);
  });

  it("is refused or read, whatever was changed in it", () => {
    const piece = fc.oneof(
      fc.constantFrom("{", "}", "[", "]", '"', ",", ":", "1e9", "-1", "null", "99999999"),
      fc.string({ maxLength: 3, unit: "binary" }),
    );
    const changes = fc.array(fc.tuple(fc.nat(text.length), fc.nat(8), piece), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(changes, (list) => {
        let mutated = text;
        for (const [at, cut, insert] of list)
          mutated = mutated.slice(0, at) + insert + mutated.slice(at + cut);
        try {
          const { image, annotations } = parseLabelFile(mutated, "a.json", { maxPixels: 1e6, maxBytes: 1e7 });
          for (const { segmentation } of annotations) {
            expect(Mask.fromRLE(segmentation)).toMatchObject({ width: image.width, height: image.height });
          }
        } catch (error) {
          expect(error).toMatchObject({ name: "UnSAMError", code: "E_BAD_FILE" });
        }
      }),
      { numRuns: 1000 },
    );
  });
});
