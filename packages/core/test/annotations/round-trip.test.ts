import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  ANNOTATION_CODECS,
  type AnnotatedImage,
  type AnnotationCodec,
  lossesOf,
  maskOf,
  simplified,
  withoutEmpty,
} from "#core/annotations/index.js";
import { Budget } from "#core/limits/index.js";
import type { Polygon } from "#core/mask/index.js";
import { bytesOf, maskImages, never, packed, region, there } from "./samples.js";

/** An image as a format may still tell it: pixels of each region, and the facts that it keeps. */
function told(image: AnnotatedImage, { keeps }: AnnotationCodec) {
  const kept = new Set(keeps);
  return {
    size: [image.width, image.height],
    fileName: kept.has("file name") ? image.fileName : "",
    regions: image.regions.map((one) => ({
      pixels: bytesOf(maskOf(one, image, new Budget("x"))).join(""),
      label: kept.has("label") ? one.label : "",
      score: kept.has("score") ? one.score : null,
      stability: kept.has("stability") ? one.stability : null,
      granularity: kept.has("granularity") ? one.granularity : null,
      parent: kept.has("parent") ? one.parent : null,
    })),
  };
}

/** A square with a hole, and beside it a triangle with corners between pixels. */
const holed: Polygon[] = [
  {
    outer: [
      [1, 1],
      [8, 1],
      [8, 7],
      [1, 7],
    ],
    holes: [
      [
        [3, 3],
        [3, 5],
        [6, 5],
        [6, 3],
      ],
    ],
  },
  {
    outer: [
      [9.25, 1.125],
      [14.5, 2.5],
      [10.75, 7.375],
    ],
    holes: [],
  },
];

describe.each(ANNOTATION_CODECS.map((format) => [format.name, format] as const))("%s", (_, format) => {
  it("gives masks back pixel for pixel, with all that it says it keeps", async () => {
    await fc.assert(
      fc.asyncProperty(maskImages, async (image) => {
        // An empty list of tasks, or an empty file of labels, says nothing of its format.
        fc.pre(image.regions.length > 0);
        const [back, ...more] = await there(format, [image]);
        expect(more).toEqual([]);
        expect(told(back, format)).toEqual(told(image, format));
      }),
      { numRuns: 60 },
    );
  });

  it("gives several images back in their order", async () => {
    if (format.images === "one") return;
    await fc.assert(
      fc.asyncProperty(fc.array(maskImages, { minLength: 1, maxLength: 3 }), async (images) => {
        fc.pre(images.every(({ regions }) => regions.length > 0));
        const back = await there(format, images);
        expect(back.map((image) => told(image, format))).toEqual(images.map((image) => told(image, format)));
      }),
      { numRuns: 20 },
    );
  });

  it("gives outlines back, exactly where it takes them, and else the pixels in them", async () => {
    for (const polygons of [holed, [holed[0]], [holed[1]], [holed[1], { ...holed[0], holes: [] }]]) {
      const image = {
        fileName: "p.jpg",
        width: 16,
        height: 9,
        regions: [region({ kind: "polygons", polygons })],
      };
      const [back] = await there(format, [image]);
      expect(told(back, format)).toEqual(told(image, format));
      const isKept = !lossesOf([image], format).some((loss) => loss.includes("corners"));
      if (isKept && format.name !== "yolo") expect(back.regions[0].shape).toEqual(image.regions[0].shape);
      else if (!isKept) expect(back.regions[0].shape.kind).toBe("mask");
    }
  });

  it("names what it loses, and nothing that it keeps", () => {
    const facts = { score: 0.5, stability: 0.25, granularity: 0.75, parent: null };
    const mask = packed(4, 1, [1, 0, 1, 1]);
    const image = {
      fileName: "p.jpg",
      width: 4,
      height: 1,
      regions: [region({ kind: "mask", mask }, facts)],
    };
    const lost = lossesOf([image], format).join("; ");
    for (const fact of ["score", "stability", "granularity"] as const) {
      expect(lost.includes(fact)).toBe(!format.keeps.includes(fact));
    }
    expect(lost.includes("the photo's name")).toBe(!format.keeps.includes("file name"));
  });
});

describe("an image before it is written", () => {
  it("has neighbours that fill each pixel once, once simplified", () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(2), { minLength: 12 * 9, maxLength: 12 * 9 }),
        fc.double({ min: 0, max: 3, noNaN: true }),
        (labels, bound) => {
          const regions = [0, 1, 2].map((label) => {
            const bytes = labels.map((own) => (own === label ? 1 : 0));
            return region({ kind: "mask", mask: packed(12, 9, bytes) }, { label: `${label}` });
          });
          const image = withoutEmpty({ fileName: "", width: 12, height: 9, regions });
          const simple = simplified(image, bound, new Budget("x"), never);
          const sum = new Array(12 * 9).fill(0);
          for (const one of simple.regions) {
            for (const [i, set] of bytesOf(maskOf(one, image, new Budget("x"))).entries()) sum[i] += set;
          }
          expect(sum).toEqual(new Array(12 * 9).fill(1));
        },
      ),
    );
  });

  it("loses its empty regions, and what lay in one lies in what that lay in", () => {
    const full = { kind: "mask", mask: packed(2, 1, [1, 1]) } as const;
    const empty = { kind: "mask", mask: packed(2, 1, [0, 0]) } as const;
    const regions = [
      region(empty, { label: "a", parent: 3 }),
      region(full, { label: "b", parent: 0 }),
      region(empty, { label: "c", parent: 2 }),
      region(full, { label: "d", parent: 2 }),
    ];
    const { regions: kept } = withoutEmpty({ fileName: "", width: 2, height: 1, regions });
    expect(kept.map(({ label, parent }) => [label, parent])).toEqual([
      ["b", 1],
      ["d", null],
    ]);
  });
});
