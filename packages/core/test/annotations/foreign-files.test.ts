import { readFile } from "node:fs/promises";
import { inRepository } from "@unsam/test-support";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  ANNOTATION_CODECS,
  type AnnotatedImage,
  codecNamed,
  recogniseAnnotations,
} from "#core/annotations/index.js";
import { annotationFormatOf } from "#core/annotations/known-formats.js";
import { UnSAMError } from "#core/errors.js";
import { Budget } from "#core/limits/index.js";
import { bytesOf, maskImages, packed, reading, region, writeText } from "./samples.js";

// Files as other programs write them, by their documentation, and files that nobody should write.

async function read(file: string, content: unknown, more: Parameters<typeof reading>[0] = {}) {
  const text = typeof content === "string" ? content : JSON.stringify(content);
  const known = recogniseAnnotations(text, file, "“a”");
  const context = reading(more);
  const images = await known.format.read(known.content, context);
  return { images, notes: context.notes, format: known.format.name };
}

function closeTo(found: readonly number[] | undefined, wanted: readonly number[]): void {
  expect(found?.length).toBe(wanted.length);
  for (const [k, side] of found!.entries()) expect(side).toBeCloseTo(wanted[k], 12);
}

const rings = ({ regions }: AnnotatedImage) =>
  regions.map(({ shape }) => (shape.kind === "polygons" ? shape.polygons.map(({ outer }) => outer) : null));

describe("files of other programs", () => {
  it("of Labelme: polygons by group, rectangles, circles; what has no area is told", async () => {
    const shape = (more: object) => ({
      label: "cat",
      group_id: null,
      shape_type: "polygon",
      flags: {},
      ...more,
    });
    const square = [
      [0, 0],
      [4, 0],
      [4, 4],
    ];
    const { images, notes, format } = await read("photo.json", {
      version: "5.5.0",
      imagePath: "..\\photos\\p.jpg",
      imageData: "QUJD",
      imageHeight: 10,
      imageWidth: 20,
      shapes: [
        shape({ points: square, group_id: 1 }),
        shape({
          points: [
            [5, 5],
            [9, 5],
            [9, 9],
          ],
          group_id: 1,
        }),
        shape({ points: square, group_id: 1, label: "dog" }),
        shape({
          points: [
            [7, 2],
            [3, 6],
          ],
          shape_type: "rectangle",
        }),
        shape({
          points: [
            [5, 5],
            [5, 7],
          ],
          shape_type: "circle",
        }),
        shape({ points: [[1, 1]], shape_type: "point" }),
      ],
    });
    expect(format).toBe("labelme");
    expect(images[0].fileName).toBe("../photos/p.jpg");
    const [cat, dog, box, disc] = rings(images[0]);
    expect(cat).toEqual([
      square,
      [
        [5, 5],
        [9, 5],
        [9, 9],
      ],
    ]);
    expect(dog).toEqual([square]);
    expect(box).toEqual([
      [
        [3, 2],
        [7, 2],
        [7, 6],
        [3, 6],
      ],
    ]);
    for (const [x, y] of disc?.[0] ?? []) expect(Math.hypot(x - 5, y - 5)).toBeCloseTo(2, 12);
    expect(notes).toEqual([
      "rectangle taken as a polygon",
      "circle taken as a polygon",
      "point left out: it has no area",
    ]);
  });

  it("of YOLO: boxes, scores, classes, and shares of the photo's size", async () => {
    const photo = { fileName: "p.jpg", width: 100, height: 50, georeference: null };
    const text = "1 0.1 0.2 0.5 0.2 0.5 0.6\n0 0.5 0.5 0.2 0.4\n1 0 0 1 0 1 1 0.75\n";
    const { images, notes } = await read("p.txt", text, { photo, classes: ["cat", "dog"] });
    expect(images[0].regions.map(({ label, score }) => [label, score])).toEqual([
      ["dog", null],
      ["cat", null],
      ["dog", 0.75],
    ]);
    expect(rings(images[0])).toEqual([
      [
        [
          [10, 10],
          [50, 10],
          [50, 30],
        ],
      ],
      [
        [
          [40, 15],
          [60, 15],
          [60, 35],
          [40, 35],
        ],
      ],
      [
        [
          [0, 0],
          [100, 0],
          [100, 50],
        ],
      ],
    ]);
    expect(notes).toEqual(["box taken as a polygon"]);
    await expect(read("p.txt", text)).rejects.toThrow(/its photo was not found/);
    await expect(read("p.txt", "0 10 10 50 10 50 30\n", { photo })).rejects.toThrow(
      /line 1 holds 10; coordinates are shares/,
    );
  });

  it("of CVAT: the mask of its documentation's kind, turned boxes, ellipses, attributes in any order", async () => {
    const { images, notes } = await read(
      "annotations.xml",
      `<?xml version="1.0" encoding="utf-8"?><annotations><version>1.1</version><meta><task/></meta>
<image id="0" name="a&amp;b.jpg" width="8" height="4">
  <mask label="m" source="manual" occluded="0" rle="1, 2, 2, 1" left="5" top="2" width="3" height="2" z_order="0"></mask>
  <box label="b" occluded="0" xtl="1" ytl="1" xbr="5" ybr="3" rotation="90"></box>
  <polyline label="l" points="1,1;2,2"><attribute name="x">y</attribute></polyline>
  <polygon label="p" points="0.5,0;4,0;4,3.25"><attribute name="parent">7</attribute><attribute name="score">0.5</attribute></polygon>
</image></annotations>`,
    );
    const [{ regions, fileName }] = images;
    expect(fileName).toBe("a&b.jpg");
    expect(regions.map(({ label, score, parent }) => [label, score, parent])).toEqual([
      ["m", null, null],
      ["b", null, null],
      ["p", 0.5, null],
    ]);
    const rows =
      regions[0].shape.kind === "mask" ? bytesOf(regions[0].shape.mask).join("").match(/.{8}/g) : [];
    expect(rows).toEqual(["00000000", "00000000", "00000011", "00000001"]);
    const [, box, polygon] = rings(images[0]);
    expect(polygon).toEqual([
      [
        [0.5, 0],
        [4, 0],
        [4, 3.25],
      ],
    ]);
    const turned = [
      [4, 0],
      [4, 4],
      [2, 4],
      [2, 0],
    ];
    closeTo(box?.[0].flat(), turned.flat());
    expect(notes).toEqual(["box taken as a polygon", "polyline left out: it has no area"]);
  });

  it("of Label Studio: percents, turned rectangles, the first annotation that was not cancelled", async () => {
    const common = {
      original_width: 200,
      original_height: 100,
      image_rotation: 0,
      from_name: "l",
      to_name: "img",
    };
    const ring = {
      points: [
        [10, 10],
        [50, 10],
        [50, 60],
      ],
      closed: true,
      polygonlabels: ["cat"],
    };
    const { images, notes } = await read("project.json", [
      {
        id: 7,
        data: { img: "/data/upload/3/p.jpg" },
        annotations: [
          { was_cancelled: true, result: [] },
          {
            result: [
              { ...common, id: "a", type: "polygonlabels", value: ring },
              {
                ...common,
                id: "b",
                parentID: "a",
                type: "rectanglelabels",
                value: { x: 50, y: 20, width: 10, height: 30, rotation: 90, rectanglelabels: ["dog"] },
              },
              { type: "choices", from_name: "c", to_name: "img", value: { choices: ["good"] } },
            ],
          },
        ],
      },
    ]);
    expect(images[0]).toMatchObject({ fileName: "p.jpg", width: 200, height: 100 });
    expect(images[0].regions.map(({ label, parent }) => [label, parent])).toEqual([
      ["cat", null],
      ["dog", 0],
    ]);
    const [cat, dog] = rings(images[0]);
    expect(cat).toEqual([
      [
        [20, 10],
        [100, 10],
        [100, 60],
      ],
    ]);
    const turned = [
      [100, 20],
      [100, 40],
      [70, 40],
      [70, 20],
    ];
    closeTo(dog?.[0].flat(), turned.flat());
    expect(notes).toEqual(["rectangle taken as a polygon", "result that is no region left out"]);
  });

  it("of COCO: rings, crowds, ids of any kind", async () => {
    const { images, notes } = await read("instances.json", {
      images: [{ id: "x", file_name: "p.jpg", width: 10, height: 10 }],
      categories: [{ id: 3, name: "cat" }],
      annotations: [
        {
          id: 9,
          image_id: "x",
          category_id: 3,
          segmentation: [
            [0, 0, 4, 0, 4, 4],
            [5.5, 5, 9, 5, 9, 9],
          ],
          score: 0.5,
        },
        {
          id: 10,
          image_id: "x",
          category_id: 3,
          iscrowd: 1,
          segmentation: { size: [10, 10], counts: [100] },
        },
        {
          id: 11,
          image_id: "x",
          category_id: 4,
          segmentation: { size: [10, 10], counts: [98, 2] },
          parent: 9,
        },
      ],
    });
    expect(images[0].regions.map(({ label, score, parent }) => [label, score, parent])).toEqual([
      ["cat", 0.5, null],
      ["4", null, 0],
    ]);
    expect(rings(images[0])[0]).toEqual([
      [
        [0, 0],
        [4, 0],
        [4, 4],
      ],
      [
        [5.5, 5],
        [9, 5],
        [9, 9],
      ],
    ]);
    expect(notes).toEqual(["annotation marked iscrowd left out: a crowd is no single region"]);
  });
});

describe("hostile files", () => {
  const refused = async (file: string, content: unknown, more: Parameters<typeof reading>[0] = {}) => {
    const started = performance.now();
    const error = await read(file, content, more).then(
      () => null,
      (problem: unknown) => problem,
    );
    expect(error).toBeInstanceOf(UnSAMError);
    expect((error as UnSAMError).code).toBe("E_BAD_FILE");
    expect(performance.now() - started).toBeLessThan(1000);
    return (error as UnSAMError).message;
  };

  it("with a document type, entities or depth of XML are refused at once", async () => {
    const laughs = Array.from({ length: 30 }, (_, k) => `<!ENTITY l${k + 1} "&l${k};&l${k};&l${k};">`).join(
      "",
    );
    const bomb = `<?xml version="1.0"?><!DOCTYPE annotations [<!ENTITY l0 "ha">${laughs}]><annotations>&l30;</annotations>`;
    expect(await refused("a.xml", bomb)).toMatch(/declares a document type/);
    const outside = '<!DOCTYPE annotations SYSTEM "file:///etc/passwd"><annotations/>';
    expect(await refused("a.xml", outside)).toMatch(/declares a document type/);
    expect(await refused("a.xml", "<annotations>&unknown;</annotations>")).toMatch(/no XML/);
    expect(await refused("a.xml", `<annotations>${"<a>".repeat(1e6)}`)).toMatch(/nest deeper than 32/);
    expect(await refused("a.xml", "<html></html>")).toMatch(/its root is "html"/);
  });

  it("that name images or masks of any size are refused before anything is filled", async () => {
    const huge = { width: 1e9, height: 1e9 };
    const lines = {
      "a.coco.json": { images: [{ id: 1, file_name: "", ...huge }], annotations: [] },
      "a.labelme.json": { shapes: [], imagePath: "", imageWidth: 1e9, imageHeight: 1e9 },
      "a.geojson": { type: "FeatureCollection", ...huge, features: [] },
      "a.cvat.xml":
        '<annotations><image id="0" name="" width="1000000000" height="1000000000"/></annotations>',
      "a.labelstudio.json": [
        {
          data: {},
          annotations: [{ result: [{ original_width: 1e9, original_height: 1e9, type: "brushlabels" }] }],
        },
      ],
    };
    for (const [file, content] of Object.entries(lines))
      expect(await refused(file, content)).toMatch(/limit of 100000000/);
    expect(
      await refused("a.yolo.txt", "0 0 0 1 0 1 1", { photo: { fileName: "", ...huge, georeference: null } }),
    ).toMatch(/limit of 100000000/);
  });

  it("of many large masks are refused where their budget ends", async () => {
    const mask = '<mask label="a" rle="0, 100000000" left="0" top="0" width="10000" height="10000"></mask>';
    const xml = `<annotations><image id="0" name="" width="10000" height="10000">${mask.repeat(200)}</image></annotations>`;
    expect(await refused("a.xml", xml, { budget: new Budget("“a”", 2 ** 20) })).toMatch(
      /takes more than 1048576 bytes/,
    );
  });

  it("of a brush that is cut off, too long, or of another size are refused", async () => {
    const [task] = JSON.parse(
      await writeText(codecNamed("labelstudio", "format"), [
        {
          fileName: "",
          width: 5,
          height: 3,
          regions: [region({ kind: "mask", mask: packed(5, 3, "101010101010101".split("").map(Number)) })],
        },
      ]),
    );
    const [{ value }] = task.annotations[0].result;
    const bytes: number[] = value.rle;
    const withRle = (rle: unknown) => {
      const result = [{ ...task.annotations[0].result[0], value: { ...value, rle } }];
      return [{ ...task, annotations: [{ result }] }];
    };
    expect(await refused("a.json", withRle(bytes.slice(0, -3)))).toMatch(/ends too early/);
    expect(await refused("a.json", withRle([0, 0, 0, 4, ...bytes.slice(4)]))).toMatch(
      /holds 4 values, and 5×3 pixels take 60/,
    );
    expect(await refused("a.json", withRle([300]))).toMatch(/must be a byte/);
    expect(await refused("a.json", withRle(null))).toMatch(/rle is null; it must be a list of bytes/);
  });

  it("are refused in one sentence or read, whatever was changed in them", async () => {
    const texts = fc.sample(
      maskImages.filter(({ regions }) => regions.length > 0),
      { numRuns: 3, seed: 7 },
    );
    for (const format of ANNOTATION_CODECS) {
      for (const image of texts) {
        const text = await writeText(format, [image]);
        const changes = fc.array(
          fc.record({
            at: fc.nat(text.length),
            cut: fc.nat(6),
            put: fc.constantFrom("", "-", "9", "e9", "null", "[", "{}", '"', "<", "NaN", "\u0000", "1e400"),
          }),
          { minLength: 1, maxLength: 4 },
        );
        await fc.assert(
          fc.asyncProperty(changes, async (list) => {
            let changed = text;
            for (const { at, cut, put } of list)
              changed = changed.slice(0, at) + put + changed.slice(at + cut);
            const photo = { fileName: "", width: image.width, height: image.height, georeference: null };
            try {
              const known = recogniseAnnotations(changed, `a${format.suffixes[0]}`, "“a”");
              await known.format.read(known.content, reading({ photo, classes: ["a", "b"] }));
            } catch (error) {
              expect(error).toBeInstanceOf(UnSAMError);
              expect((error as UnSAMError).message).toMatch(/^“a”.*\.$/su);
            }
          }),
          { numRuns: 120 },
        );
      }
    }
  });
});

describe("the table of formats", () => {
  it("is the one of docs/formats.md", async () => {
    const rows = (await readFile(inRepository("docs", "formats.md"), "utf8")).split("\n");
    for (const { name, suffixes, images, keeps, outlines } of ANNOTATION_CODECS) {
      const row = rows.find((line) => line.startsWith(`| \`${name}\` |`)) ?? "";
      const facts = keeps.filter((fact) => fact !== "file name").join(", ");
      const taken = { "with holes": "all", "of several parts": "several parts", "of one ring": "one ring" }[
        outlines
      ];
      const cells = row.split("|").map((cell) => cell.trim());
      expect(cells.slice(1, 6)).toEqual([`\`${name}\``, `\`${suffixes[0]}\``, images, facts, taken]);
    }
  });

  it("finds a format by name, by the end of a file's name, and by content", () => {
    for (const format of ANNOTATION_CODECS) {
      expect(codecNamed(format.name.toUpperCase(), "--to")).toBe(format);
      expect(annotationFormatOf(`dir/x${format.suffixes[0]}`).name).toBe(format.name);
    }
    expect(() => codecNamed("pdf", "--to")).toThrow("--to is pdf; give one of coco, labelme");
    expect(() => annotationFormatOf("x.json")).toThrow(/names no format by its end/);
    expect(() => recogniseAnnotations('{"a":1}', "x.json", "“x.json”")).toThrow(/in none of the formats/);
  });
});
