import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { inRepository } from "@unsam/test-support";
import { expect, it } from "vitest";
import { sentences, unsam } from "./run.js";

it("unsam enqueue, work and queue say in one sentence what is wrong, and end with 1 or 2", async () => {
  const folder = mkdtempSync(path.join(tmpdir(), "unsam-queue-"));
  try {
    const photo = inRepository("docs", "images", "fruit-board.jpg");
    const nowhere = ["--redis", "redis://me:secret@127.0.0.1:1"];
    const enqueue = ["enqueue", photo, "--model", "region-tree", "--out", "out"];
    for (const [words, code, sentence] of [
      [["enqueue", "--out", "out"], 2, /Name photos or folders, or give --list FILE or --stdin/],
      [[...enqueue, "--names", "--json"], 2, /--names and --json both/],
      [[...enqueue, "--format", "png"], 2, /"png" is not known; give json, coco\.json/],
      [[...enqueue, "--simplify", "1"], 2, /--simplify is about outlines/],
      [[...enqueue, ...nowhere], 1, /Redis does not answer at redis:\/\/127\.0\.0\.1:1 /],
      [["work", "--redis", "127.0.0.1"], 2, /is no address; give redis:/],
      [["work", "--run", "a b", ...nowhere], 2, /queue's name/],
      [["queue", "failed", "--watch"], 2, /--watch belongs to unsam queue status/],
      [["queue", "status", ...nowhere], 1, /Redis does not answer/],
    ] as const) {
      const outcome = await unsam([...words, "--no-defaults"], { cwd: folder });
      const said = sentences(outcome.stderr);
      expect([words, outcome.code, outcome.stdout, said.length]).toEqual([words, code, "", 1]);
      expect(said[0]).toMatch(sentence);
      expect(said[0]).not.toContain("secret");
    }
    // What a refused run made is an empty folder at most.
    expect(readdirSync(folder, { recursive: true })).toEqual(["out"]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
