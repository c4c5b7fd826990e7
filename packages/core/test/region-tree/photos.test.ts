import { readdirSync } from "node:fs";
import { describeWithShared, pseudoRandom, shared } from "@unsam/test-support";
import sharp from "sharp";
import { expect, it } from "vitest";
import type { RgbImage } from "#core/image/index.js";
import { buildRegionTree, chain, segmentTree } from "#core/region-tree/index.js";

async function photo(file: string, width?: number, height?: number): Promise<RgbImage> {
  const { data, info } = await sharp(file)
    .resize(width, height, { fit: "fill" })
    .removeAlpha()
    .toColourspace("srgb")
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height };
}

describeWithShared("region tree of photos", () => {
  const folder = () => shared("data", "unlabeled");
  const files = () => readdirSync(folder()).filter((file) => file.endsWith(".jpg"));

  it("nests along every click's chain", async () => {
    const random = pseudoRandom(5);
    const all = files();
    for (let k = 0; k < 4; k++) {
      const image = await photo(`${folder()}/${all[Math.floor(random() * all.length)]}`);
      const tree = buildRegionTree(image);
      for (let c = 0; c < 40; c++) {
        const x = Math.floor(random() * image.width);
        const y = Math.floor(random() * image.height);
        const steps = chain(tree, tree.leafMap[y * image.width + x]);
        for (let s = 1; s < steps.length; s++) expect(steps[s].area).toBeGreaterThan(steps[s - 1].area);
        let before: Uint8Array | null = null;
        for (let g = 0; g <= 10; g++) {
          const { leaves } = segmentTree(tree, {
            points: [{ x, y, label: 1 }],
            box: null,
            mask: null,
            granularity: g / 10,
          });
          if (before) expect(before.every((bit, leaf) => bit <= leaves[leaf])).toBe(true);
          before = leaves;
        }
      }
    }
  });

  it("manages twelve megapixels", async () => {
    const image = await photo(`${folder()}/${files()[300]}`, 4000, 3000);
    const tree = buildRegionTree(image);
    expect(tree.areas[tree.nodeCount - 1]).toBe(12_000_000);
  });
});
