import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { inRepository, shared, sharedRoot } from "@unsam/test-support";
import { describe, expect, it } from "vitest";

const LIMIT = { timeout: 300_000 };
const PHOTO = inRepository("docs", "images", "juice.jpg");

/** Growth of the resident set over `cycles`, in MB, in a process of its own. */
async function growth(warmUp: number, cycles: number, ...files: string[]): Promise<number> {
  const script = fileURLToPath(new URL("./scripts/memory-cycles.mjs", import.meta.url));
  const args = ["--expose-gc", script, `${warmUp}`, `${cycles}`, ...files];
  const env = { ...process.env, MALLOC_ARENA_MAX: "1" };
  const { stdout } = await promisify(execFile)(process.execPath, args, { env });
  return Number(stdout);
}

// Each margin is 0.4 MB a cycle: less than one mask of the photo, let alone a tree, an encoding or a network.
describe("memory", () => {
  it.concurrent("does not grow over encode, segment, dispose cycles of the region tree", LIMIT, async () => {
    expect(await growth(40, 25, PHOTO)).toBeLessThan(10);
  });

  const network = sharedRoot ? it.concurrent : it.skip;
  network("does not grow over load, encode, segment, dispose cycles of a network", LIMIT, async () => {
    const fixture = (name: string) => shared("parity", "unsamv2-mini", name);
    expect(await growth(60, 30, PHOTO, fixture("checkpoint.pt"), fixture("config.json"))).toBeLessThan(12);
  });
});
