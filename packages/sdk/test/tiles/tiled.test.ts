import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { tileBox, tileCore, tileCount, tileLevels } from "@unsam/core/tiles";
import { Mask, type TiledProgress, type TiledScene, UnSAM } from "@unsam/sdk";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Painted, paintedPicture } from "./painted.js";

const TILES = { tile: 384, overlap: 128 };

let folder: string;
let file: string;
let picture: Painted;
let unsam: UnSAM;
let scene: TiledScene;
const progress: TiledProgress[] = [];

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "unsam-tiles-"));
  file = path.join(folder, "painted.png");
  picture = await paintedPicture(1200, 800, 3);
  await writeFile(file, picture.png);
  unsam = await UnSAM.load({ model: "region-tree" });
  scene = await unsam.everythingTiled(file, { ...TILES, onProgress: (step) => progress.push(step) });
});
afterAll(async () => {
  await unsam?.dispose();
  await rm(folder, { recursive: true, force: true });
});

/** IoU of a mask with each of a scene that may be like it, best first. */
function alike(truth: Mask, { masks }: Pick<TiledScene, "masks">): number[] {
  return masks
    .filter(({ area }) => area > truth.area / 2 && area < 2 * truth.area)
    .map(({ mask }) => truth.iou(mask))
    .sort((a, b) => b - a);
}

describe("everything in tiles", () => {
  it("finds each shape of a painted picture once, wherever tiles cut it", () => {
    const { across, down } = tileLevels(picture, TILES)[0];
    const isCut = ({ bbox: { x, y, width, height } }: Mask) =>
      across.cuts.some((cut) => x < cut && cut < x + width) ||
      down.cuts.some((cut) => y < cut && cut < y + height);
    expect(picture.truth.filter(isCut).length).toBeGreaterThan(5);
    expect(picture.truth[0].bbox.width).toBeGreaterThan(TILES.tile);
    for (const truth of picture.truth) {
      const [best, second = 0] = alike(truth, scene);
      expect(best).toBeGreaterThan(0.93);
      expect(second).toBeLessThan(0.7);
    }
  });

  it("finds what is found without tiles", async () => {
    await using whole = await unsam.encode(file);
    const untiled = await whole.everything();
    let compared = 0;
    for (const truth of picture.truth) {
      const found = untiled.masks.map(({ mask }) => mask).filter((mask) => truth.iou(mask) > 0.85);
      for (const mask of found) expect(alike(mask, scene)[0]).toBeGreaterThan(0.9);
      compared += found.length;
    }
    expect(compared).toBeGreaterThan(20);
  });

  it("finds nearly the same with other tiles", async () => {
    const other = await unsam.everythingTiled(file, { tile: 512, overlap: 160 });
    for (const truth of picture.truth) {
      const best = other.masks.map(({ mask }) => mask).find((mask) => truth.iou(mask) > 0.93) as Mask;
      expect(best).toBeDefined();
      expect(alike(best, scene)[0]).toBeGreaterThan(0.93);
    }
  });

  it("ends no mask along the side of a tile", () => {
    const lines: { x: Set<number>; y: Set<number> } = { x: new Set(), y: new Set() };
    for (const level of tileLevels(picture, TILES)) {
      const [sx, sy] = [picture.width / level.width, picture.height / level.height];
      for (let i = 0; i < tileCount(level); i++) {
        for (const box of [tileBox(level, i), tileCore(level, i)]) {
          for (const x of [box[0], box[2]]) if (x > 0 && x < level.width) lines.x.add(Math.round(x * sx));
          for (const y of [box[1], box[3]]) if (y > 0 && y < level.height) lines.y.add(Math.round(y * sy));
        }
      }
    }
    // Seen in the whole image, outlines have straight pieces of some pixels, of superpixels and of enlarged masks.
    for (const { mask } of scene.masks) {
      for (const x of lines.x) {
        const isEdge = (y: number) => mask.has(x - 1, y) !== mask.has(x, y);
        expect(longestRun(picture.height, isEdge)).toBeLessThan(24);
      }
      for (const y of lines.y) {
        const isEdge = (x: number) => mask.has(x, y - 1) !== mask.has(x, y);
        expect(longestRun(picture.width, isEdge)).toBeLessThan(24);
      }
    }
  });

  it("nests: a parent holds four fifths of its parts and has a higher granularity", () => {
    expect(scene.masks.some(({ children }) => children.length > 1)).toBe(true);
    for (const { mask, parent, granularity, range } of scene.masks) {
      expect(range[0]).toBeLessThanOrEqual(range[1]);
      if (!parent) continue;
      expect(parent.mask.intersection(mask)).toBeGreaterThanOrEqual(0.8 * mask.area);
      expect(parent.granularity).toBeGreaterThanOrEqual(granularity);
    }
    expect(scene.roots).toEqual(scene.masks.filter(({ parent }) => parent === null));
  });

  it("tells of each tile", () => {
    const { tilesInAll } = progress[0];
    expect(progress.map(({ tiles }) => tiles)).toEqual(Array.from({ length: tilesInAll }, (_, i) => i + 1));
  });

  it("gives the same again, and keeps to the range of granularity", async () => {
    const [low, high] = [0.45, 0.8];
    const part = await unsam.everythingTiled(file, { ...TILES, granularity: [low, high] });
    const wanted = scene.masks.filter(({ granularity }) => granularity >= low && granularity <= high);
    expect(part.masks.map(({ bbox, area, score }) => ({ bbox, area, score }))).toEqual(
      wanted.map(({ bbox, area, score }) => ({ bbox, area, score })),
    );
    expect(wanted.length).toBeLessThan(scene.masks.length);
  });

  it("ends soon after the signal, and with its reason", async () => {
    const stop = new AbortController();
    const why = new Error("enough");
    let seen = 0;
    const run = unsam.everythingTiled(file, {
      ...TILES,
      signal: stop.signal,
      onProgress: () => {
        seen++;
        stop.abort(why);
      },
    });
    await expect(run).rejects.toBe(why);
    expect(seen).toBeLessThanOrEqual(2);
    await expect(unsam.everythingTiled(file, { signal: AbortSignal.abort(why) })).rejects.toBe(why);
  });
});

describe("files of a tiled scene", () => {
  it("hold every mask exactly, as GeoJSON and as COCO", async () => {
    const [geojson, coco] = [path.join(folder, "a.geojson"), path.join(folder, "a.coco.json")];
    await scene.writeGeoJSON(geojson);
    await scene.writeCOCO(coco, { fileName: "painted.png" });
    const { features, width, height } = JSON.parse(await readFile(geojson, "utf8"));
    const { annotations, images } = JSON.parse(await readFile(coco, "utf8"));
    expect(images).toEqual([{ id: 1, file_name: "painted.png", width: 1200, height: 800 }]);
    expect([features.length, annotations.length]).toEqual([scene.masks.length, scene.masks.length]);
    for (const { id, mask, parent } of scene.masks.slice(0, 30)) {
      expect(Mask.fromRLE(annotations[id].segmentation).equals(mask)).toBe(true);
      expect(annotations[id].parent).toBe(parent ? parent.id + 1 : null);
      const polygons = features[id].geometry.coordinates.map(([outer, ...holes]: [number, number][][]) => ({
        outer,
        holes,
      }));
      expect(Mask.fromPolygons(width, height, polygons).equals(mask)).toBe(true);
      expect(features[id].properties.parent).toBe(parent?.id ?? null);
    }
  });

  it("are whole or absent", async () => {
    const empty = path.join(folder, "none");
    await expect(scene.writeGeoJSON(path.join(empty, "a.geojson"))).rejects.toMatchObject({ code: "E_IO" });
    const before = await readdir(folder);
    const why = new Error("enough");
    await expect(
      scene.writeCOCO(path.join(folder, "b.coco.json"), { signal: AbortSignal.abort(why) }),
    ).rejects.toBe(why);
    expect(await readdir(folder)).toEqual(before);
  });
});

describe("what cannot be done in tiles", () => {
  it("is refused with a sentence", async () => {
    const refused = (options: object, code: string, message: RegExp) =>
      expect(unsam.everythingTiled(file, options as never)).rejects.toMatchObject({
        code,
        message: expect.stringMatching(message),
      });
    await refused({ tile: 64 }, "E_BAD_OPTION", /tile/);
    await refused(
      { tile: 512, overlap: 4 },
      "E_BAD_OPTION",
      /overlap is 4 for tiles of 512 pixels; give \d+ to 256/,
    );
    await refused({ tile: 512, overlap: 300 }, "E_BAD_OPTION", /overlap is 300/);
    await refused({ granularity: 0.5 }, "E_BAD_PROMPT", /a range \[min, max\]/);
    await refused({ pointsPerSide: 8 }, "E_BAD_OPTION", /regions are not sought by clicks/);
    await refused({ nothing: 1 }, "E_BAD_OPTION", /there is no option "nothing"/);
    await refused({ maxPixels: 1000 }, "E_BAD_IMAGE", /1200×800 pixels, more than the limit of 1000/);
    await expect(unsam.everythingTiled(new Uint8Array(9) as never)).rejects.toMatchObject({
      code: "E_BAD_IMAGE",
    });
    await expect(unsam.encode(file, { maxPixels: 1000 })).rejects.toThrow(/everythingTiled, --tiles/);
  });

  it("names the rows of a damaged file", async () => {
    const cut = path.join(folder, "cut.png");
    await writeFile(cut, picture.png.subarray(0, Math.floor(0.8 * picture.png.length)));
    await expect(unsam.everythingTiled(cut, TILES)).rejects.toThrow(
      /cut\.png”, in rows \d+ to \d+, is damaged/,
    );
  });
});

function longestRun(length: number, is: (at: number) => boolean): number {
  let longest = 0;
  let run = 0;
  for (let at = 0; at < length; at++) {
    run = is(at) ? run + 1 : 0;
    longest = Math.max(longest, run);
  }
  return longest;
}
