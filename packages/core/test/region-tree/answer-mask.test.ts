import { pseudoRandom } from "@unsam/test-support";
import { expect, it } from "vitest";
import { buildRegionTree, segmentTree, treeMask } from "#core/region-tree/index.js";

it("a mask holds the pixels of the answer's leaves and no others", () => {
  const random = pseudoRandom(5);
  for (const [width, height] of [
    [100, 70],
    [64, 33],
    [31, 90],
  ]) {
    const data = new Uint8Array(3 * width * height);
    for (let i = 0; i < width * height; i++) {
      const [x, y] = [i % width, Math.floor(i / width)];
      const block = Math.floor(x / 17) * 5 + Math.floor(y / 13) * 3;
      for (let c = 0; c < 3; c++)
        data[3 * i + c] = ((block * (37 + 50 * c)) % 200) + Math.floor(20 * random());
    }
    const tree = buildRegionTree({ width, height, data });
    for (let round = 0; round < 20; round++) {
      const click = (label: 0 | 1) => ({ x: random() * width, y: random() * height, label });
      const points = [click(1), ...(round % 2 ? [click(1), click(0)] : [])];
      const answer = segmentTree(tree, { points, box: null, mask: null, granularity: random() });
      const mask = treeMask(tree, answer);
      const distance = (x: number, y: number, label: number) =>
        Math.min(
          ...points
            .filter((point) => point.label === label)
            .map((point) => (Math.floor(point.x) - x) ** 2 + (Math.floor(point.y) - y) ** 2),
        );
      let wrong = 0;
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
          const leaf = tree.leafMap[y * width + x];
          const isNearer = !answer.contested.includes(leaf) || distance(x, y, 1) < distance(x, y, 0);
          if (mask.has(x, y) !== (answer.leaves[leaf] === 1 && isNearer)) wrong++;
        }
      }
      expect(wrong).toBe(0);
    }
  }
});
