#!/usr/bin/env node
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { writeWhole } from "@unsam/core/files";
import { decodeImage, type RgbImage } from "@unsam/core/image";
import { buildRegionTree, segmentTree, treeMask } from "@unsam/core/region-tree";
import sharp, { type OverlayOptions } from "sharp";

/** Photos that may be passed on (their rows say so), and a click on each as shares of width and height. */
const CLICKS: readonly [string, number, number][] = [
  ["food_0001145.jpg", 0.53, 0.45],
  ["food_0001059.jpg", 0.6, 0.45],
  ["food_0000325.jpg", 0.77, 0.68],
  ["food_0000602.jpg", 0.38, 0.48],
  ["food_0001012.jpg", 0.5, 0.4],
  ["food_0000697.jpg", 0.67, 0.27],
  ["food_0000142.jpg", 0.63, 0.36],
  ["food_0003188.jpg", 0.5, 0.5],
  ["food_0000522.jpg", 0.45, 0.2],
  ["food_0001193.jpg", 0.75, 0.4],
];
const GRANULARITIES = [0.3, 0.6, 0.9];
const CELL = { width: 204, height: 136, gap: 4, title: 22 };
const TINT = [255, 64, 129];
const REPOSITORY = fileURLToPath(new URL("../../../../", import.meta.url));

/** Ten clicks at three granularities on one sheet: two clicks a row, photo first, then fine to coarse. */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      photos: { type: "string", default: path.join(REPOSITORY, "../shared/data/unlabeled") },
      out: { type: "string", default: path.join(REPOSITORY, "docs/images/region-tree-clicks.png") },
    },
  });
  const columns = 2 * (1 + GRANULARITIES.length);
  const cells: OverlayOptions[] = [];
  for (const [k, [file, shareX, shareY]] of CLICKS.entries()) {
    const image = await decodeImage(path.join(values.photos, file));
    const tree = buildRegionTree(image);
    const x = Math.floor(shareX * image.width);
    const y = Math.floor(shareY * image.height);
    const pictures = [dot(image, x, y)];
    for (const granularity of GRANULARITIES) {
      const points = [{ x, y, label: 1 as const }];
      const mask = treeMask(tree, segmentTree(tree, { points, box: null, mask: null, granularity }));
      pictures.push(highlight(image, (px, py) => mask.has(px, py)));
    }
    for (const [c, picture] of pictures.entries()) {
      const { width, height, data } = picture;
      cells.push({
        input: await sharp(data, { raw: { width, height, channels: 3 } })
          .resize(CELL.width, CELL.height, { fit: "cover" })
          .png()
          .toBuffer(),
        left: ((k % 2) * pictures.length + c) * (CELL.width + CELL.gap),
        top: CELL.title + Math.floor(k / 2) * (CELL.height + CELL.gap),
      });
    }
  }
  const width = columns * (CELL.width + CELL.gap) - CELL.gap;
  const height = CELL.title + Math.ceil(CLICKS.length / 2) * (CELL.height + CELL.gap) - CELL.gap;
  cells.push({ input: Buffer.from(titles(width)), left: 0, top: 0 });
  const sheet = sharp({ create: { width, height, channels: 3, background: "#ffffff" } }).composite(cells);
  await writeWhole(values.out, await sheet.png({ palette: true, colours: 256, effort: 10 }).toBuffer());
  process.stderr.write(`Wrote ${values.out}\n`);
}

function titles(width: number): string {
  const names = ["click", ...GRANULARITIES.map((g) => `granularity ${g}`)];
  const text = [...names, ...names].map(
    (name, k) => `<text x="${k * (CELL.width + CELL.gap) + 2}" y="15">${name}</text>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${CELL.title}" font-family="sans-serif" font-size="13">${text.join("")}</svg>`;
}

/** The photo with the click marked. */
function dot(image: RgbImage, x: number, y: number): RgbImage {
  const radius = Math.max(image.width, image.height) / 50;
  return recolour(image, (px, py, rgb) => {
    const distance = Math.hypot(px - x, py - y);
    if (distance > radius) return rgb;
    return distance > 0.65 * radius ? [255, 255, 255] : TINT;
  });
}

/** The mask in its own colours within a line, all else greyed. */
function highlight(image: RgbImage, has: (x: number, y: number) => boolean): RgbImage {
  const edge = (x: number, y: number) =>
    has(x, y) &&
    [-2, 2].some(
      (d) =>
        (x + d >= 0 && x + d < image.width && !has(x + d, y)) ||
        (y + d >= 0 && y + d < image.height && !has(x, y + d)),
    );
  return recolour(image, (x, y, rgb) => {
    if (edge(x, y)) return TINT;
    if (has(x, y)) return rgb;
    const grey = 0.35 * (0.3 * rgb[0] + 0.59 * rgb[1] + 0.11 * rgb[2]) + 130;
    return [grey, grey, grey];
  });
}

function recolour(
  image: RgbImage,
  colour: (x: number, y: number, rgb: readonly number[]) => readonly number[],
): RgbImage {
  const data = new Uint8Array(image.data.length);
  for (let y = 0, i = 0; y < image.height; y++) {
    for (let x = 0; x < image.width; x++, i += 3)
      data.set(colour(x, y, Array.from(image.data.subarray(i, i + 3))), i);
  }
  return { ...image, data };
}

await main();
