import { it } from "vitest";
import { mergePatches } from "#core/patch-merge/index.js";
import { Random } from "../hierarchy/random.js";
import { describeTwins, expectSameBits, WORK } from "./addon.js";

describeTwins("mergePatches", (binding) => {
  it("joins the same patches in the same order", async () => {
    for (let seed = 1; seed <= 40; seed++) {
      const random = new Random(seed);
      const [height, width, channels] = [random.int(1, 12), random.int(1, 12), random.int(1, 40)];
      const data = Float32Array.from({ length: height * width * channels }, () => random.normal());
      // Patches of zeros, and patches alike.
      if (random.next() < 0.5) data.fill(0, 0, channels);
      if (random.next() < 0.5) data.copyWithin(channels, 0, channels);
      const features = { height, width, channels, data };
      const found = await binding.mergePatches(features, WORK);
      const twin = mergePatches(features);
      expectSameBits(found.children, twin.children, `seed ${seed}`);
      expectSameBits(found.similarity, twin.similarity, `seed ${seed}`);
    }
  });
});
