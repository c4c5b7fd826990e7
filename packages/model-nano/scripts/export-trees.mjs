// Writes the upper part of the region tree of each photo in a folder for the recipe `nano`:
//   node packages/model-nano/scripts/export-trees.mjs PHOTOS OUT
// NAME.png holds the leaf of each pixel; NAME.json the parents and heights (root = 1) of the nodes, 0 being the root,
// and the node of each leaf. What is there already is kept, so an interrupted export goes on.
import { existsSync } from "node:fs";
import { mkdir, readdir, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import { buildRegionTree } from "@unsam/core/region-tree";
import sharp from "sharp";

/** Regions of the finest level that is kept; labels of 8 bits hold them with room for collages. */
const LEAVES = 150;

/** The tree above the height at which at most `limit` regions are left. */
function upperPart(tree, limit) {
  const { parent, heights, leafCount, nodeCount, leafMap } = tree;
  const root = nodeCount - 1;
  const inner = [...heights.subarray(leafCount)].sort((a, b) => b - a);
  const cut = inner[Math.min(limit - 1, inner.length - 1)];
  // Merges above the cut stay nodes; what hangs below one of them is a leaf.
  const number = new Int32Array(nodeCount).fill(-1);
  const parents = [0];
  const kept = [1];
  number[root] = 0;
  const leaves = [];
  const leafOf = new Int32Array(nodeCount).fill(-1);
  for (let node = root - 1; node >= 0; node--) {
    const above = parent[node];
    if (leafOf[above] >= 0) {
      leafOf[node] = leafOf[above];
      continue;
    }
    number[node] = parents.length;
    parents.push(number[above]);
    const isLeaf = node < leafCount || heights[node] <= cut;
    kept.push(isLeaf ? 0 : Number((heights[node] / heights[root]).toFixed(4)));
    if (isLeaf) {
      leafOf[node] = leaves.length;
      leaves.push(number[node]);
    }
  }
  return { parents, heights: kept, leaves, labels: Uint8Array.from(leafMap, (leaf) => leafOf[leaf]) };
}

async function writeWhole(file, data) {
  await writeFile(`${file}.unfinished`, data);
  await rename(`${file}.unfinished`, file);
}

const [photos, out] = process.argv.slice(2);
if (!photos || !out) {
  process.stderr.write("usage: node export-trees.mjs PHOTOS OUT\n");
  process.exit(2);
}
await mkdir(out, { recursive: true });
const files = (await readdir(photos)).filter((file) => /\.(jpe?g|png)$/i.test(file)).sort();
for (const [done, file] of files.entries()) {
  const target = path.join(out, path.parse(file).name);
  if (existsSync(`${target}.json`)) continue;
  const { data, info } = await sharp(path.join(photos, file))
    .removeAlpha()
    .toColourspace("srgb")
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { width, height } = info;
  const tree = buildRegionTree({ data: new Uint8Array(data), width, height });
  const { labels, ...upper } = upperPart(tree, LEAVES);
  const raw = { width, height, channels: 1 };
  await writeWhole(`${target}.png`, await sharp(labels, { raw }).toColourspace("b-w").png().toBuffer());
  await writeWhole(`${target}.json`, JSON.stringify(upper));
  if (done % 20 === 0) process.stderr.write(`${done} of ${files.length}\n`);
}
