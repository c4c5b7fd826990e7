import { describe, expect, it } from "vitest";
import { SYNTHETIC_MEMORY, syntheticMemoryFeed, syntheticMemoryWeights } from "#native/synthetic-memory.js";
import { addon, BAD_ENCODE_OPTIONS, describeWithAddon, THREADS } from "./addon.js";

const plan = SYNTHETIC_MEMORY;
const weights = syntheticMemoryWeights(plan);
const features = Float32Array.from({ length: 9 * plan.width }, (_, i) => Math.sin(i));
const mask = Float32Array.from({ length: 48 * 48 }, (_, i) => 10 * Math.cos(i / 30));
const feed = syntheticMemoryFeed(plan, 2, 3);
const create = () => addon().createMemoryNetwork(plan, weights);

/** Anything at all, as if it were what the types ask for. */
const wrong = (value: unknown) => value as never;

describeWithAddon("misuse of the memory network ends in typed errors", () => {
  it.each<[string, unknown, unknown, string]>([
    ["no plan", undefined, weights, "E_BAD_OPTION"],
    ["a plan that lacks a size", { ...plan, width: undefined }, weights, "E_BAD_OPTION"],
    ["a size beyond all", { ...plan, feedForward: 2 ** 52 }, weights, "E_BAD_OPTION"],
    ["a theta that is none", { ...plan, ropeTheta: Number.NaN }, weights, "E_BAD_OPTION"],
    ["no weights", plan, {}, "E_BAD_CHECKPOINT"],
    ["weights of another plan", { ...plan, width: 24 }, weights, "E_BAD_CHECKPOINT"],
  ])("%s", async (_, given, tensors, code) => {
    await expect(addon().createMemoryNetwork(wrong(given), wrong(tensors))).rejects.toMatchObject({ code });
  });

  it("arrays that do not fit, options that are none", async () => {
    const network = await create();
    const refused = (work: Promise<unknown>) => expect(work).rejects.toMatchObject({ code: "E_BAD_OPTION" });
    await refused(network.attend(features.subarray(1), feed, THREADS));
    await refused(network.attend(features, wrong({ ...feed, memory: feed.memory.subarray(1) }), THREADS));
    await refused(network.attend(features, wrong({ ...feed, times: [1] }), THREADS));
    await refused(network.attend(features, wrong(null), THREADS));
    await refused(network.attend(features, syntheticMemoryFeed(plan, 0, 0), THREADS));
    await refused(network.remember(features, mask.subarray(1), false, THREADS));
    await refused(network.remember(features, mask, wrong(1), THREADS));
    for (const options of BAD_ENCODE_OPTIONS) {
      await refused(network.attend(features, feed, wrong(options)));
      await refused(network.remember(features, mask, true, wrong(options)));
    }
  });

  it("methods on other objects, constructors, disposed networks", async () => {
    const { MemoryNetwork } = addon();
    expect(() => new MemoryNetwork()).toThrow(/createMemoryNetwork/);
    const other = { attend: MemoryNetwork.prototype.attend };
    expect(() => other.attend(features, feed, THREADS)).toThrow(/no MemoryNetwork|Illegal invocation/);
    const network = await create();
    const underWay = network.attend(features, feed, THREADS);
    network.dispose();
    network.dispose();
    expect(await underWay).toHaveLength(features.length);
    for (const late of [
      network.attend(features, feed, THREADS),
      network.remember(features, mask, true, THREADS),
    ])
      await expect(late).rejects.toMatchObject({ code: "E_DISPOSED" });
  });
});

describeWithAddon("calls of the memory network", () => {
  it("read their arguments before they return", async () => {
    const network = await create();
    const mine = features.slice();
    const call = network.attend(mine, feed, THREADS);
    structuredClone(mine, { transfer: [mine.buffer] });
    expect(await call).toEqual(await network.attend(features, feed, { threads: 1 }));
  });

  it("stop when they are cancelled, and work again afterwards", async () => {
    const network = await create();
    const cell = new Int32Array(new SharedArrayBuffer(4));
    for (const call of [
      (value: number) => network.attend(features, feed, { threads: 2, cancel: { cell, value } }),
      (value: number) => network.remember(features, mask, false, { threads: 2, cancel: { cell, value } }),
    ]) {
      expect(await call(0)).toBeNull();
      expect(await call(1)).not.toBeNull();
    }
  });

  describe.each([1, 2, 8])("with %i threads", (threads) => {
    it("give the same bits side by side as alone", async () => {
      const network = await create();
      const alone = [
        await network.attend(features, feed, { threads: 1 }),
        await network.remember(features, mask, true, { threads: 1 }),
      ];
      const found = await Promise.all(
        [0, 1, 2, 3].flatMap(() => [
          network.attend(features, feed, { threads }),
          network.remember(features, mask, true, { threads }),
        ]),
      );
      for (const [i, result] of found.entries()) expect(result).toEqual(alone[i % 2]);
    });
  });
});
