import { Session } from "node:inspector/promises";
import { UnSAM } from "@unsam/sdk";
import { inRepository, shared, sharedRoot } from "@unsam/test-support";
import { expect, it } from "vitest";

/** Our files of which a function runs in the main thread while `work` does. */
async function filesOf(work: () => Promise<unknown>): Promise<string[]> {
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: false });
  await work();
  const { result } = await session.post("Profiler.takePreciseCoverage");
  session.disconnect();
  const called = result.filter(({ functions }) => functions.some(({ ranges }) => ranges[0].count > 0));
  return called.map(({ url }) => url).filter((url) => /packages\/\w+\/dist\//.test(url));
}

const parity = (name: string) => shared("parity", "unsamv2-mini", name);
const withShared = sharedRoot && process.env.UNSAM_REQUIRE_NATIVE ? it : it.skip;

withShared("a click passes at most 20 of our files on its way to the addon and back", async () => {
  const model = { checkpoint: parity("checkpoint.pt"), config: parity("config.json") };
  const unsam = await UnSAM.load({ model, decoder: "native" });
  const image = await unsam.encode(inRepository("docs", "images", "juice.jpg"));
  const click = () => image.segment({ points: [[100, 100]], granularity: 0.5 });
  await click();
  const files = await filesOf(click);
  expect(files.length).toBeGreaterThan(5);
  expect(files.length, files.join("\n")).toBeLessThanOrEqual(20);
  await image.dispose();
  await unsam.dispose();
});
