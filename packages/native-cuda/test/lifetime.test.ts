import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { ADDON, describeWithAddon } from "./addon.js";

const MINUTES = 60_000;

/** Runs one of the scripts beside this file in a process of its own. */
function run(
  script: string,
  ...args: string[]
): Promise<{ code: number | string; out: string; err: string }> {
  const file = fileURLToPath(new URL(`./scripts/${script}`, import.meta.url));
  return new Promise((resolve) => {
    // One arena: what glibc keeps of each ended thread is no leak, and no answer here depends on it.
    const env = { ...process.env, MALLOC_ARENA_MAX: "1" };
    const options = { env, timeout: script.startsWith("exit") ? MINUTES : 4 * MINUTES };
    execFile(process.execPath, ["--expose-gc", file, ADDON, ...args], options, (error, out, err) => {
      resolve({ code: error ? (error.code ?? error.signal ?? "unknown") : 0, out: out.trim(), err });
    });
  });
}

// Each in a process of its own, two at a time or more.
describeWithAddon("lifetime of what the addon holds", () => {
  it.concurrent("memory stays flat over 160 images and 16 decoders", { timeout: 5 * MINUTES }, async () => {
    const { code, out, err } = await run("memory-cycles.mjs", "160", "10", "dispose");
    expect(err).toBe("");
    expect(code).toBe(0);
    // One leaked image of 8 × 8 tokens a cycle would be 128 MiB, one leaked decoder in ten 160 MiB.
    expect(Number(out)).toBeLessThan(80);
  });

  it.concurrent("what is never disposed goes with the garbage", { timeout: 5 * MINUTES }, async () => {
    const { code, out } = await run("memory-cycles.mjs", "100", "2", "forget");
    expect(code).toBe(0);
    expect(Number(out)).toBeLessThan(150);
  });

  it.concurrent.each(["decode", "fuse"])(
    "eight workers killed while they %s leave the process healthy",
    {
      timeout: 5 * MINUTES,
    },
    async (work) => {
      const ended = await run("kill-workers.mjs", "3", `./${work}-forever.mjs`);
      expect(ended).toEqual({ code: 0, out: "healthy", err: "" });
    },
  );

  it.concurrent.each([
    ["exit", 7],
    ["throw", 1],
    ["return", 0],
  ])(
    "a process that ends by %s while it decodes has exit code %i",
    // Node 24 itself hangs at one exit in a hundred: it waits for its own compiler thread, which waits for a garbage collection of the
    // main thread (seen with a debugger; nothing of ours is waited for). A hang of ours would come again.
    { timeout: 5 * MINUTES, retry: 2 },
    async (way, code) => {
      const ended = await run("exit-while-decoding.mjs", way);
      expect(ended.code).toBe(code);
      if (way !== "throw") expect(ended.err).toBe("");
    },
  );
});
