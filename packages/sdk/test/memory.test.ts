import { setImmediate } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { UnSAM } from "@unsam/sdk";
import { describeWithShared, inRepository, shared } from "@unsam/test-support";
import { describe, expect, it } from "vitest";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

const MARGIN_MB = 48;

/** What stays resident: the allocators' reserve comes and goes by tens of megabytes, so the least of ten readings. */
async function resident(work: () => Promise<void>): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 10; i++) {
    await work();
    // Finalizers run after a collection, in turns of the event loop of their own.
    for (let turn = 0; turn < 3; turn++) {
      collect();
      await setImmediate();
    }
    least = Math.min(least, process.memoryUsage.rss());
  }
  return least / 1e6;
}

/** Growth of the resident set over `cycles` of work, after as many warm-up cycles as a cache needs to fill. */
async function growth(work: () => Promise<void>, warmUp: number, cycles: number): Promise<number> {
  for (let i = 0; i < warmUp; i++) await work();
  const before = await resident(work);
  for (let i = 0; i < cycles; i++) await work();
  return (await resident(work)) - before;
}

describe("memory", () => {
  it("does not grow over 40 encode, segment, dispose cycles of the region tree", {
    timeout: 120_000,
  }, async () => {
    await using unsam = await UnSAM.load({ model: "region-tree" });
    const data = new Uint8Array(240 * 160 * 3).map((_, i) => (i * 31) % 251);
    const work = async () => {
      await using image = await unsam.encode({ data, width: 240, height: 160, channels: 3 });
      await image.segment({ points: [[100, 100]] });
    };
    expect(await growth(work, 10, 30)).toBeLessThan(MARGIN_MB);
  });
});

describeWithShared("memory, with a network", () => {
  it("does not grow over 200 load, encode, segment, dispose cycles", { timeout: 240_000 }, async () => {
    const fixture = (...parts: string[]) => shared("parity", "unsamv2-mini", ...parts);
    const model = { checkpoint: fixture("checkpoint.pt"), config: fixture("config.json") };
    const work = async () => {
      await using unsam = await UnSAM.load({ model });
      await using image = await unsam.encode(inRepository("docs", "images", "juice.jpg"));
      await image.segment({ points: [[100, 100]], granularity: 0.5 });
    };
    expect(await growth(work, 20, 190)).toBeLessThan(MARGIN_MB);
  });
});
