import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import fc from "fast-check";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { codecNamed } from "#core/annotations/index.js";
import {
  findGeoreference,
  parseWorldFile,
  readGeoTiff,
  toMap,
  toPixel,
  worldFileNames,
} from "#core/georeference/index.js";
import { packed, reading, region, writeText } from "../annotations/samples.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "unsam-georeference-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

type Tag = readonly [tag: number, type: 3 | 12, values: readonly number[]];

/** A TIFF of nothing but a directory of these tags, in either byte order, classic or big. */
function tiff(tags: readonly Tag[], { little = true, big = false } = {}): Buffer {
  const [head, count, entry, field] = big ? [16, 8, 20, 8] : [8, 2, 12, 4];
  const start = head + count + entry * tags.length + field;
  const bytes = Buffer.alloc(start + 8 * tags.reduce((sum, [, , values]) => sum + values.length, 0));
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const offset = (at: number, value: number) =>
    big ? view.setBigUint64(at, BigInt(value), little) : view.setUint32(at, value, little);
  bytes.write(little ? "II" : "MM");
  view.setUint16(2, big ? 43 : 42, little);
  if (big) view.setUint16(4, 8, little);
  offset(big ? 8 : 4, head);
  if (big) view.setBigUint64(head, BigInt(tags.length), little);
  else view.setUint16(head, tags.length, little);
  let data = start;
  for (const [k, [tag, type, values]] of tags.entries()) {
    const at = head + count + k * entry;
    view.setUint16(at, tag, little);
    view.setUint16(at + 2, type, little);
    offset(at + 4, values.length);
    const size = type === 3 ? 2 : 8;
    const inside = values.length * size <= field;
    let place = inside ? at + entry - field : data;
    if (!inside) offset(at + entry - field, data);
    for (const value of values) {
      if (type === 3) view.setUint16(place, value, little);
      else view.setFloat64(place, value, little);
      place += size;
    }
    if (!inside) data = place;
  }
  return bytes;
}

const scale: Tag = [33550, 12, [0.5, 0.25, 0]];
const tie: Tag = [33922, 12, [0, 0, 0, 440_720, 5_100_000, 0]];
const keys = (rasterType: number, epsg: number): Tag => [
  34735,
  3,
  [1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, rasterType, 3072, 0, 1, epsg],
];

async function placed(tags: readonly Tag[], options?: Parameters<typeof tiff>[1]) {
  const file = path.join(folder, "a.tif");
  await writeFile(file, tiff(tags, options));
  return readGeoTiff(file);
}

describe("a world file", () => {
  it("names the centre of the upper left pixel: its corner lies half a pixel before", () => {
    // Pixels of 2 m, north up; the centre of the first one at 1001, 4999, so its corner at 1000, 5000.
    const found = parseWorldFile("2.0\n0\n0\n-2.0\n1001\n4999\n", "x");
    expect(toMap(found, 0, 0)).toEqual([1000, 5000]);
    expect(toMap(found, 0.5, 0.5)).toEqual([1001, 4999]);
    expect(toMap(found, 10, 4)).toEqual([1020, 4992]);
    expect(found.epsg).toBeNull();
  });

  it("may turn the image: A, D, B, E in the order of the file", () => {
    // One to the right is (3, 4) farther, one down (4, -3); centre of the first at 100, 200.
    const found = parseWorldFile("3 4 4 -3 100 200", "x");
    expect(toMap(found, 0.5, 0.5)).toEqual([100, 200]);
    expect(toMap(found, 1.5, 0.5)).toEqual([103, 204]);
    expect(toMap(found, 0.5, 1.5)).toEqual([104, 197]);
    expect(toPixel(found, 104, 197)).toEqual([0.5, 1.5]);
  });

  it("has a name by the photo's", () => {
    const names = worldFileNames("a/b.tif");
    for (const name of ["b.tfw", "b.tifw", "b.wld", "b.tif.wld", "b.TFW"])
      expect(names).toContain(path.join("a", name));
    expect(worldFileNames("b.jpg")).toContain("b.jgw");
    expect(worldFileNames("b.jpeg")).toContain("b.jgw");
    expect(worldFileNames("b.png")).toContain("b.pgw");
  });

  it.each(["", "1\n2\n3\n4\n5", "1 0 0 1 5 x", "0 0 0 0 1 1", "1 0 0 1 2 3 4"])(
    "is refused where it is %j",
    (text) => {
      expect(() => parseWorldFile(text, "The world file “x”")).toThrow(/is no world file/);
    },
  );
});

describe("a GeoTIFF", () => {
  it("is placed by scale and tie point, from the corner or the centre of its first pixel", async () => {
    const area = await placed([scale, tie, keys(1, 32632)]);
    expect(area?.epsg).toBe(32632);
    expect(toMap(area!, 0, 0)).toEqual([440_720, 5_100_000]);
    expect(toMap(area!, 4, 8)).toEqual([440_722, 5_099_998]);
    const point = await placed([scale, tie, keys(2, 32632)]);
    expect(toMap(point!, 0.5, 0.5)).toEqual([440_720, 5_100_000]);
    expect(toMap(point!, 0, 0)).toEqual([440_719.75, 5_100_000.125]);
  });

  it("is placed from a tie point elsewhere, and by a matrix", async () => {
    const elsewhere = await placed([scale, [33922, 12, [10, 20, 0, 1000, 2000, 0]]]);
    expect(toMap(elsewhere!, 10, 20)).toEqual([1000, 2000]);
    expect(toMap(elsewhere!, 0, 0)).toEqual([995, 2005]);
    const matrix = await placed([
      [34264, 12, [3, 4, 0, 100, 4, -3, 0, 200, 0, 0, 0, 0, 0, 0, 0, 1]],
      keys(1, 32767),
    ]);
    expect(toMap(matrix!, 1, 0)).toEqual([103, 204]);
    expect(matrix?.epsg).toBeNull();
  });

  it.each([{ little: false }, { big: true }, { little: false, big: true }])(
    "is read as %j",
    async (options) => {
      expect(await placed([scale, tie, keys(1, 25832)], options)).toEqual(
        await placed([scale, tie, keys(1, 25832)]),
      );
    },
  );

  it("without these tags lies nowhere, and one that is turned or damaged is refused", async () => {
    expect(await placed([scale])).toBeNull();
    await expect(placed([scale, tie, [274, 3, [6]]])).rejects.toThrow(/the photo is turned/);
    await expect(placed([scale, [33922, 12, new Array(12).fill(1)]])).rejects.toThrow(/2 tie points/);
    const whole = tiff([scale, tie, keys(1, 25832)]);
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.nat(255), fc.nat(whole.length), async (at, byte, end) => {
        const bytes = Buffer.from(whole);
        bytes[at] = byte;
        const file = path.join(folder, "damaged.tif");
        await writeFile(file, bytes.subarray(0, end));
        await readGeoTiff(file).then(
          () => {},
          (error) => expect(error.code).toBe("E_BAD_FILE"),
        );
      }),
    );
  });
});

describe("a photo on a map", () => {
  it("is found by its world file or its tags, not where it is turned", async () => {
    const photo = path.join(folder, "p.png");
    const pixels = sharp({ create: { width: 4, height: 2, channels: 3, background: "#808080" } });
    await pixels.png().toFile(photo);
    expect(await findGeoreference(photo)).toBeNull();
    await writeFile(path.join(folder, "p.pgw"), "2\n0\n0\n-2\n1001\n4999\n");
    expect(toMap((await findGeoreference(photo))!, 0, 0)).toEqual([1000, 5000]);
    await pixels.jpeg().withMetadata({ orientation: 6 }).toFile(path.join(folder, "q.jpg"));
    await writeFile(path.join(folder, "q.jgw"), "2\n0\n0\n-2\n1001\n4999\n");
    await expect(findGeoreference(path.join(folder, "q.jpg"))).rejects.toThrow(
      /turned by its EXIF orientation \(6\)/,
    );
  });

  it("gives GeoJSON in the map's coordinates, counter-clockwise, with its system, and back", async () => {
    const geojson = codecNamed("geojson", "to");
    const image = {
      fileName: "p.tif",
      width: 4,
      height: 3,
      regions: [region({ kind: "mask", mask: packed(4, 3, [0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]) })],
    };
    const georeference = { coefficients: [2, 0, 1000, 0, -2, 5000], epsg: 25832 } as const;
    const text = await writeText(geojson, [image], { georeference });
    const file = JSON.parse(text);
    // Pixels 1 and 2 of the second row: x from 1 to 3, y from 1 to 2 in pixels.
    const ring = file.features[0].geometry.coordinates[0][0];
    const corners = [
      [1002, 4998],
      [1006, 4998],
      [1006, 4996],
      [1002, 4996],
    ];
    expect([...ring.slice(1)].sort()).toEqual([...corners].sort());
    expect(ring[0]).toEqual(ring.at(-1));
    const twice = ring
      .slice(1)
      .reduce((sum: number, [x, y]: number[], k: number) => sum + ring[k][0] * y - x * ring[k][1], 0);
    expect(twice).toBeGreaterThan(0);
    expect(file.crs.properties.name).toBe("urn:ogc:def:crs:EPSG::25832");
    const [back] = await geojson.read(file, reading());
    expect(back.regions[0].shape).toMatchObject({ kind: "polygons" });
    const pixels = back.regions[0].shape.kind === "polygons" ? back.regions[0].shape.polygons[0].outer : [];
    expect([...pixels].map(String).sort()).toEqual(["1,1", "1,2", "3,1", "3,2"]);
    const wgs84 = await writeText(geojson, [image], { georeference: { ...georeference, epsg: 4326 } });
    expect(JSON.parse(wgs84).crs).toBeUndefined();
  });

  it("reads GeoJSON that a map's program drew over the photo", async () => {
    const geojson = codecNamed("geojson", "to");
    const georeference = { coefficients: [2, 0, 1000, 0, -2, 5000], epsg: null } as const;
    const photo = { fileName: "p.tif", width: 4, height: 3, georeference };
    const coordinates = [
      [
        [1002, 4998],
        [1002, 4996],
        [1006, 4996],
        [1006, 4998],
        [1002, 4998],
      ],
    ];
    const features = [{ type: "Feature", properties: null, geometry: { type: "Polygon", coordinates } }];
    const [image] = await geojson.read({ type: "FeatureCollection", features }, reading({ photo }));
    expect(image).toMatchObject({ fileName: "p.tif", width: 4, height: 3 });
    const { shape } = image.regions[0];
    const corners = shape.kind === "polygons" ? shape.polygons[0].outer : [];
    expect([...corners].map(String).sort()).toEqual(["1,1", "1,2", "3,1", "3,2"]);
  });
});
