import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { UnSAM } from "@unsam/sdk";
import { describeWithShared, inRepository, shared } from "@unsam/test-support";
import { describe, expect, it } from "vitest";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

const MARGIN_MB = 48;

/** Growth of the resident set over `cycles` of work, after as many warm-up cycles as a cache needs to fill. */
async function growth(work: () => Promise<void>, warmUp: number, cycles: number): Promise<number> {
  for (let i = 0; i < warmUp; i++) await work();
  collect();
  const before = process.memoryUsage.rss();
  for (let i = 0; i < cycles; i++) await work();
  collect();
  return (process.memoryUsage.rss() - before) / 1e6;
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
    expect(await growth(work, 20, 40)).toBeLessThan(MARGIN_MB);
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
    expect(await growth(work, 30, 200)).toBeLessThan(MARGIN_MB);
  });
});
