import { describe, expect, it } from "vitest";
import type { AnnotatedImage } from "#core/annotations/index.js";
import { bytesOf, readText } from "./samples.js";

// Files as other programs write them, by their documentation.

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
    const { images, notes, format } = await readText("photo.json", {
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
    const { images, notes } = await readText("p.txt", text, { photo, classes: ["cat", "dog"] });
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
    await expect(readText("p.txt", text)).rejects.toThrow(/its photo was not found/);
    await expect(readText("p.txt", "0 10 10 50 10 50 30\n", { photo })).rejects.toThrow(
      /line 1 holds 10; coordinates are shares/,
    );
  });

  it("of CVAT: the mask of its documentation's kind, turned boxes, ellipses, attributes in any order", async () => {
    const { images, notes } = await readText(
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
    const { images, notes } = await readText("project.json", [
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
    const { images, notes } = await readText("instances.json", {
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
