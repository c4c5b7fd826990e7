import { Mask, type SceneHierarchy } from "@unsam/sdk";
import sharp from "sharp";
import { beforeAll, describe, expect, it } from "vitest";
import { photo, someScenes } from "./scenes.js";

let scenes: { name: string; scene: SceneHierarchy }[];
beforeAll(async () => {
  scenes = await someScenes();
});

/** COCO's compressed run lengths from their definition, sharing nothing with the library: → one number a pixel. */
function decodeCoco(text: string, height: number, width: number): Uint8Array {
  const counts: number[] = [];
  for (let i = 0; i < text.length; ) {
    let value = 0n;
    let bits = 0n;
    let character: number;
    do {
      character = text.charCodeAt(i++) - 48;
      value |= BigInt(character & 31) << bits;
      bits += 5n;
    } while (character & 32);
    let count = Number(BigInt.asIntN(Number(bits), value));
    if (counts.length > 2) count += counts[counts.length - 2];
    counts.push(count);
  }
  const pixels = new Uint8Array(width * height);
  let at = 0;
  counts.forEach((count, run) => {
    for (let n = 0; n < count; n++, at++) {
      pixels[(at % height) * width + Math.floor(at / height)] = run % 2;
    }
  });
  expect(at).toBe(width * height);
  return pixels;
}

describe("a scene as COCO JSON", () => {
  it("is read back by an independent decoder", async () => {
    for (const { scene, name } of scenes) {
      const coco = JSON.parse(JSON.stringify(await scene.toCOCO({ imageId: 7, fileName: "board.jpg" })));
      expect(coco.images).toEqual([
        { id: 7, file_name: "board.jpg", width: scene.width, height: scene.height },
      ]);
      expect(coco.annotations.length).toBe(scene.masks.length);
      const ids = new Set(coco.annotations.map(({ id }: { id: number }) => id));
      expect(ids.size).toBe(scene.masks.length);
      for (const [i, annotation] of coco.annotations.entries()) {
        const mask = scene.masks[i];
        const [height, width] = annotation.segmentation.size;
        const pixels = decodeCoco(annotation.segmentation.counts, height, width);
        expect(Buffer.from(pixels).equals(Buffer.from(mask.mask.toBytes())), name).toBe(true);
        expect(annotation).toMatchObject({
          image_id: 7,
          category_id: coco.categories[0].id,
          area: mask.area,
          bbox: [mask.bbox.x, mask.bbox.y, mask.bbox.width, mask.bbox.height],
          granularity: mask.granularity,
          parent: mask.parent ? coco.annotations[mask.parent.id].id : null,
        });
      }
    }
  });
});

describe("a scene as polygons", () => {
  it("gives every mask back exactly", async () => {
    for (const { scene, name } of scenes) {
      const { features, width, height } = JSON.parse(JSON.stringify(await scene.toGeoJSON()));
      expect(features.length).toBe(scene.masks.length);
      for (const { id, geometry, properties } of features) {
        const polygons = geometry.coordinates.map(([outer, ...holes]: [number, number][][]) => {
          for (const ring of [outer, ...holes]) expect(ring[0]).toEqual(ring[ring.length - 1]);
          return { outer, holes };
        });
        expect(Mask.fromPolygons(width, height, polygons).equals(scene.masks[id].mask), name).toBe(true);
        expect(properties.area).toBe(scene.masks[id].area);
      }
    }
  });
});

/** The samples of a grey PNG of 16 bits. */
async function samples(png: Buffer, scene: SceneHierarchy): Promise<Uint16Array> {
  expect(await sharp(png).metadata()).toMatchObject({
    depth: "ushort",
    channels: 1,
    width: scene.width,
    height: scene.height,
  });
  const data = await sharp(png).toColourspace("grey16").raw({ depth: "ushort" }).toBuffer();
  return new Uint16Array(data.buffer, data.byteOffset, data.length / 2);
}

describe("pictures of a scene", () => {
  it("hold the label maps in 16 bits", async () => {
    for (const { scene } of scenes) {
      const map = scene.at(0.4);
      const png = await map.toPNG();
      const read = await samples(png, scene);
      expect(read.every((value, i) => value === map.labels[i])).toBe(true);
    }
  });

  it("hold the contours", async () => {
    const [{ scene }] = scenes;
    const { right, below } = scene.contours;
    const png = await scene.contours.toPNG();
    const read = await samples(png, scene);
    expect(read.every((value, i) => value === Math.max(right[i], below[i]))).toBe(true);
  });

  it("paint the photo: one colour a mask, the same at every setting", async () => {
    const [{ scene }] = scenes;
    const at = async (granularity: number) =>
      sharp(await scene.overlay({ granularity, opacity: 1 }))
        .raw()
        .toBuffer({ resolveWithObject: true });
    const colors = new Map<number, string>();
    let inside = 0;
    for (const g of [0.2, 0.6, 1]) {
      const { labels } = scene.at(g);
      const { data, info } = await at(g);
      expect([info.width, info.height, info.channels]).toEqual([scene.width, scene.height, 3]);
      for (let y = 0, i = 0; y + 1 < scene.height; y++) {
        for (let x = 0; x < scene.width; x++, i++) {
          const label = labels[i];
          const border =
            labels[i + scene.width] !== label || (x + 1 < scene.width && labels[i + 1] !== label);
          if (border) continue;
          const color = data.subarray(3 * i, 3 * i + 3).join();
          if (!colors.has(label)) colors.set(label, color);
          else if (colors.get(label) !== color) throw new Error(`mask ${label} has two colours`);
          inside++;
        }
      }
    }
    expect(inside).toBeGreaterThan(1e5);
    expect(new Set(colors.values()).size).toBe(colors.size);
  });

  it("stand side by side for several settings", async () => {
    const [{ scene }] = scenes;
    const settings = ["fine", 0.9] as const;
    const raw = (png: Buffer) => sharp(png).raw().toBuffer({ resolveWithObject: true });
    const both = await raw(await scene.overlay({ granularity: settings }));
    expect([both.info.width, both.info.height]).toEqual([2 * scene.width + 8, scene.height]);
    for (const [i, granularity] of settings.entries()) {
      const one = await raw(await scene.overlay({ granularity }));
      for (let y = 0; y < scene.height; y += 20) {
        const from = 3 * (y * both.info.width + i * (scene.width + 8));
        const row = both.data.subarray(from, from + 3 * scene.width);
        expect(row.equals(one.data.subarray(3 * y * scene.width, 3 * (y + 1) * scene.width))).toBe(true);
      }
    }
  });

  it("need the photo, in the right size, where the scene has none", async () => {
    const { randomScene } = await import("./scenes.js");
    const scene = await randomScene(() => 0.4);
    await expect(scene.overlay()).rejects.toMatchObject({ code: "E_BAD_IMAGE" });
    await expect(scene.overlay({ image: photo })).rejects.toMatchObject({ code: "E_BAD_IMAGE" });
    await expect(scenes[0].scene.overlay({ opacity: 2 })).rejects.toMatchObject({ code: "E_BAD_OPTION" });
  });
});
