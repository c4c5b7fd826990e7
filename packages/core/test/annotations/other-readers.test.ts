import fc from "fast-check";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { ANNOTATION_CODECS, type AnnotatedImage } from "#core/annotations/index.js";
import { bytesOf, classesOf, maskImages, writeText } from "./samples.js";

// Readers written here from the formats' descriptions, in the plainest way: they share no code with ours.

type Read = (text: string, image: AnnotatedImage) => Promise<number[][]> | number[][];

/** The brush of Label Studio: a text of bits, and a list of all values. */
function brush(bytes: readonly number[]): number[] {
  let bits = bytes.map((byte) => byte.toString(2).padStart(8, "0")).join("");
  const take = (n: number) => {
    const value = Number.parseInt(bits.slice(0, n), 2);
    bits = bits.slice(n);
    return value;
  };
  const count = take(32);
  const word = take(5) + 1;
  const sizes = [take(4) + 1, take(4) + 1, take(4) + 1, take(4) + 1];
  const values: number[] = [];
  while (values.length < count) {
    const isRun = take(1);
    const n = take(sizes[take(2)]) + 1;
    if (isRun) values.push(...new Array(n).fill(take(word)));
    else for (let k = 0; k < n; k++) values.push(take(word));
  }
  expect(values.length).toBe(count);
  return values;
}

/** Even-odd, by a ray from each pixel's centre. */
function filled(rings: readonly (readonly number[][])[], { width, height }: AnnotatedImage): number[] {
  return Array.from({ length: width * height }, (_, i) => {
    const [x, y] = [(i % width) + 0.5, Math.floor(i / width) + 0.5];
    let crossings = 0;
    for (const ring of rings) {
      for (const [k, [x0, y0]] of ring.entries()) {
        const [x1, y1] = ring[(k + 1) % ring.length];
        if (y0 > y === y1 > y) continue;
        // Of both directions the same numbers, so that a bridge is crossed twice or not at all.
        const [[ax, ay], [bx, by]] =
          y0 < y1
            ? [
                [x0, y0],
                [x1, y1],
              ]
            : [
                [x1, y1],
                [x0, y0],
              ];
        if (x < ax + ((y - ay) / (by - ay)) * (bx - ax)) crossings++;
      }
    }
    return crossings % 2;
  });
}

/** COCO's compressed counts: 5 bits a character from 48, sign in the last, each from the third on added to that two before. */
function cocoCounts(text: string): number[] {
  const counts: number[] = [];
  for (let at = 0; at < text.length; ) {
    let value = 0;
    let bits = 0;
    let code: number;
    do {
      code = text.charCodeAt(at++) - 48;
      value += (code & 31) * 2 ** bits;
      bits += 5;
    } while (code & 32);
    if (code & 16) value -= 2 ** bits;
    counts.push(counts.length > 2 ? value + counts[counts.length - 2] : value);
  }
  return counts;
}

const READERS: Readonly<Record<string, Read>> = {
  coco: (text, { width, height }) =>
    JSON.parse(text).annotations.map(({ segmentation }: { segmentation: { counts: string } }) => {
      const columns = cocoCounts(segmentation.counts).flatMap((n, k) => new Array(n).fill(k % 2));
      return Array.from(
        { length: width * height },
        (_, i) => columns[(i % width) * height + Math.floor(i / width)],
      );
    }),
  labelme: async (text, { width, height }) => {
    const masks: number[][] = [];
    for (const { shape_type, points, mask } of JSON.parse(text).shapes) {
      expect(shape_type).toBe("mask");
      const [[x0, y0], [x1, y1]] = points;
      const { data, info } = await sharp(Buffer.from(mask, "base64"))
        .greyscale()
        .raw()
        .toBuffer({ resolveWithObject: true });
      expect([info.width, info.height]).toEqual([x1 - x0 + 1, y1 - y0 + 1]);
      const whole = new Array(width * height).fill(0);
      for (let i = 0; i < data.length; i++) {
        whole[(y0 + Math.floor(i / info.width)) * width + x0 + (i % info.width)] = data[i] ? 1 : 0;
      }
      masks.push(whole);
    }
    return masks;
  },
  yolo: (text, image) =>
    text
      .trim()
      .split("\n")
      .map((line) => {
        const numbers = line.split(" ").slice(1).map(Number);
        const ring = Array.from({ length: numbers.length / 2 }, (_, k) => [
          numbers[2 * k] * image.width,
          numbers[2 * k + 1] * image.height,
        ]);
        return filled([ring], image);
      }),
  cvat: (text, { width, height }) =>
    [...text.matchAll(/<mask [^>]*rle="([^"]*)" left="(\d+)" top="(\d+)" width="(\d+)" height="(\d+)"/g)].map(
      ([, rle, ...place]) => {
        const [left, top, w] = place.map(Number);
        const box = rle.split(", ").flatMap((n, k) => new Array(Number(n)).fill(k % 2));
        const whole = new Array(width * height).fill(0);
        for (const [i, value] of box.entries())
          whole[(top + Math.floor(i / w)) * width + left + (i % w)] = value;
        return whole;
      },
    ),
  labelstudio: (text) =>
    [...JSON.parse(text)[0].annotations, ...JSON.parse(text)[0].predictions][0].result.map(
      ({ value }: { value: { rle: number[] } }) =>
        brush(value.rle).flatMap((alpha, i) => (i % 4 === 3 ? [alpha ? 1 : 0] : [])),
    ),
  geojson: (text, image) =>
    JSON.parse(text).features.map(({ geometry }: { geometry: { coordinates: number[][][][] } }) =>
      filled(geometry.coordinates.flat(), image),
    ),
};

describe.each(ANNOTATION_CODECS.map((format) => [format.name, format] as const))("%s", (name, format) => {
  it("is read by a second reader as the same pixels", async () => {
    await fc.assert(
      fc.asyncProperty(maskImages, async (image) => {
        fc.pre(image.regions.length > 0);
        const masks = await READERS[name](await writeText(format, [image]), image);
        const pixels = image.regions.map(({ shape }) => (shape.kind === "mask" ? bytesOf(shape.mask) : []));
        expect(masks).toEqual(pixels);
      }),
      { numRuns: 60 },
    );
  });
});

describe("what other programs look for", () => {
  it("is there: classes by number, names of labels, boxes", async () => {
    await fc.assert(
      fc.asyncProperty(maskImages, async (image) => {
        fc.pre(image.regions.length > 0);
        const text = Object.fromEntries(
          await Promise.all(ANNOTATION_CODECS.map(async (one) => [one.name, await writeText(one, [image])])),
        );
        const labels = image.regions.map(({ label }) => label);
        const classes = classesOf([image]);
        expect(
          text.yolo
            .trim()
            .split("\n")
            .map((line: string) => classes[Number.parseInt(line, 10)]),
        ).toEqual(labels);
        const coco = JSON.parse(text.coco);
        const names = new Map(
          coco.categories.map(({ id, name }: { id: number; name: string }) => [id, name]),
        );
        expect(coco.annotations.map((one: { category_id: number }) => names.get(one.category_id))).toEqual(
          labels,
        );
        for (const [k, { bbox, area }] of coco.annotations.entries()) {
          const { shape } = image.regions[k];
          const on = shape.kind === "mask" ? bytesOf(shape.mask).flatMap((set, i) => (set ? [i] : [])) : [];
          const [xs, ys] = [on.map((i) => i % image.width), on.map((i) => Math.floor(i / image.width))];
          const [x, y] = [Math.min(...xs), Math.min(...ys)];
          expect(bbox).toEqual([x, y, Math.max(...xs) - x + 1, Math.max(...ys) - y + 1]);
          expect(area).toBe(on.length);
        }
        const [task] = JSON.parse(text.labelstudio);
        const [{ result }] = [...task.annotations, ...task.predictions];
        expect(result.map(({ value }: { value: { brushlabels: string[] } }) => value.brushlabels[0])).toEqual(
          labels,
        );
        expect(JSON.parse(text.labelme).shapes.map(({ label }: { label: string }) => label)).toEqual(labels);
      }),
      { numRuns: 30 },
    );
  });
});
