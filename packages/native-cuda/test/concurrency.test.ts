import { expect, it } from "vitest";
import { syntheticFeatures } from "#native/synthetic-model.js";
import { click, createDecoder, createImage, describeWithAddon, SINGLE } from "./addon.js";

describeWithAddon("concurrent and repeated calls", () => {
  const prompts = Array.from({ length: 20 }, (_, i) => ({ ...click(10 * i, 5 * i), granularity: i / 20 }));

  it("share one prepared image, and agree to the bit", async () => {
    const { decoder, image } = await createImage(16);
    const calls = await Promise.all(
      [1, 2, 8, 2, 1, 8].map((threads) => decoder.decode(image, prompts, { threads, multimask: false })),
    );
    for (const call of calls) expect(call).toEqual(calls[0]);
  });

  it("give each prompt what it gets alone", async () => {
    const { decoder, image } = await createImage(16);
    const together = await decoder.decode(image, prompts, SINGLE);
    for (const [i, prompt] of prompts.entries()) {
      const [alone] = await decoder.decode(image, [prompt], SINGLE);
      expect(alone.lowRes.every((value, j) => Math.abs(value - together[i].lowRes[j]) < 1e-4)).toBe(true);
    }
  });

  it("use images of several sizes side by side", async () => {
    const decoder = await createDecoder();
    const sizes = [1, 2, 3, 7, 16];
    const images = await Promise.all(
      sizes.map((side) => decoder.prepare(syntheticFeatures(side), { threads: 2 })),
    );
    const results = await Promise.all(images.map((image) => decoder.decode(image, [click()], SINGLE)));
    expect(results.map(([masks]) => masks.lowRes.length)).toEqual(sizes.map((side) => 16 * side * side));
  });

  it("finish when everything is disposed under them", async () => {
    const { decoder, image } = await createImage(16);
    const [expected] = await decoder.decode(image, [prompts[0]], SINGLE);
    const running = decoder.decode(image, prompts, SINGLE);
    image.dispose();
    decoder.dispose();
    expect((await running)[0].lowRes.length).toBe(expected.lowRes.length);
  });

  it("leaves the event loop free", async () => {
    const { decoder, image } = await createImage(64);
    let ticks = 0;
    const timer = setInterval(() => ticks++, 5);
    await decoder.decode(image, prompts, SINGLE);
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(3);
  });
});
