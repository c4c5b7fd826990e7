import { loadNative } from "@unsam/native-cuda";
import { inRepository } from "@unsam/test-support";
import { expect, it } from "vitest";
import { build, segment, type TreeKernels } from "#core/engine/region-tree.worker.js";
import { decodeImage, type RgbImage } from "#core/image/index.js";
import { regionHierarchy } from "#core/region-tree/build.js";
import { REGION_TREE_RECIPE } from "#core/region-tree/recipe.js";
import { shrinkImage } from "#core/region-tree/working-image.js";
import { Random } from "../hierarchy/random.js";
import { describeTwins, expectSameBits, WORK } from "./addon.js";
import { drawImage } from "./scenes.js";

describeTwins("buildRegionHierarchy", (binding) => {
  async function expectSameTree(image: RgbImage) {
    const { superpixels: regions, graph, merges } = regionHierarchy(image);

    const found = await binding.buildRegionHierarchy(image, WORK);
    expect(found.superpixels.count).toBe(regions.count);
    expectSameBits(found.superpixels.labels, regions.labels, "labels");
    expectSameBits(found.superpixels.markers, regions.markers, "markers");
    expectSameBits(found.graph.first, graph.first, "first");
    expectSameBits(found.graph.second, graph.second, "second");
    expectSameBits(found.graph.border, graph.border, "border");
    expectSameBits(found.merges.children, merges.children, "children");
    expect([found.graph.count, found.merges.count]).toEqual([graph.count, merges.count]);
    expectSameBits(found.graph.strength, graph.strength, "strength");
    expectSameBits(found.merges.heights, merges.heights, "heights");
    expectSameBits(found.merges.border, merges.border, "border of merges");
    expectSameBits(found.merges.strength, merges.strength, "strength of merges");
  }

  it.each(["dragonfruit.jpg", "fruit-board.jpg", "juice.jpg"])("grows the same tree on %s", async (file) => {
    const photo = await decodeImage(inRepository("docs", "images", file));
    await expectSameTree(shrinkImage(photo, 480));
  });

  it.each([
    [1, 1],
    [3, 2],
    [64, 48],
    [201, 133],
  ])("grows the same tree on %i×%i drawn pixels", async (width, height) => {
    await expectSameTree({ width, height, data: drawImage(new Random(width), width, height) });
  });

  it("gives the engine the same masks", async () => {
    const image = await decodeImage(inRepository("docs", "images", "juice.jpg"));
    const prompts = [
      [90, 130],
      [320, 200],
      [400, 60],
    ].map(([x, y], i) => ({
      points: [{ x, y, label: 1 as const }],
      box: null,
      mask: null,
      granularity: i === 0 ? ("auto" as const) : 0.2 * i,
    }));
    const answers = async (kernels: TreeKernels | null) => {
      const { moved: tree } = await build(image, kernels);
      const all = [];
      // A call may end before the last prompt.
      while (all.length < prompts.length) {
        const rest = prompts.slice(all.length);
        const { answers, painted } = segment(tree, rest, { maxHoleArea: 0, maxSprinkleArea: 0 }, []).moved;
        all.push(...answers.map(({ best }) => ({ ...best, ...painted.get(best.key) })));
      }
      return all;
    };
    const native = await loadNative({ cacheDir: null });
    if (!native.binding) throw new Error(native.reason);
    expect(await answers({ addon: native.path, threads: 2 })).toEqual(await answers(null));
  });

  it("follows the same recipe", () => {
    expect(binding.regionTreeRecipe).toBe(REGION_TREE_RECIPE);
  });
});
