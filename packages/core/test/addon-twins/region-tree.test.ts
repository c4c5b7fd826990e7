import { inRepository } from "@unsam/test-support";
import { expect, it } from "vitest";
import { decodeImage } from "#core/image/index.js";
import { regionHierarchy } from "#core/region-tree/build.js";
import { shrinkImage } from "#core/region-tree/working-image.js";
import { describeTwins, expectSameBits, WORK } from "./addon.js";

describeTwins("buildRegionHierarchy", (binding) => {
  it.each(["dragonfruit.jpg", "fruit-board.jpg", "juice.jpg"])("grows the same tree on %s", async (file) => {
    const image = shrinkImage(await decodeImage(inRepository("docs", "images", file)), 480);
    const { regions, graph, merges } = regionHierarchy(image);

    const found = await binding.buildRegionHierarchy(image, WORK);
    expect(found.superpixels.count).toBe(regions.count);
    expectSameBits(found.superpixels.labels, regions.labels, "labels");
    expectSameBits(found.superpixels.markers, regions.markers, "markers");
    expectSameBits(found.graph.first, graph.first, "first");
    expectSameBits(found.graph.second, graph.second, "second");
    expectSameBits(found.graph.border, graph.border, "border");
    expectSameBits(found.merges.children, merges.children, "children");
    expect([found.graph.count, found.merges.count]).toEqual([graph.count, merges.count]);
    // exp and pow differ in the last place between the C library and JavaScript engines.
    expectNear(found.graph.strength, graph.strength, 1e-6);
    expectNear(found.merges.heights, merges.heights, 1e-7);
    expectNear(found.merges.strength, merges.strength, 1e-4);
    expectSameBits(found.merges.border, merges.border, "border of merges");
  });
});

function expectNear(actual: Float64Array, expected: Float64Array, tolerance: number): void {
  expect(actual.length).toBe(expected.length);
  let worst = 0;
  for (let i = 0; i < actual.length; i++) worst = Math.max(worst, Math.abs(actual[i] - expected[i]));
  expect(worst).toBeLessThanOrEqual(tolerance);
}
