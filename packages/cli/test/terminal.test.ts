import { inRepository } from "@unsam/test-support";
import { describe, expect, it } from "vitest";
import { hasTerminals, inTerminal, type Terminal } from "./terminal.js";

// A step of two seconds that prints while it runs, then a batch.
const PROGRAM = `
import { withProgress } from "#cli/terminal/progress.js";
import { BatchProgress } from "#cli/terminal/batch-progress.js";
import { print, tell } from "#cli/terminal/output.js";
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
await withProgress("Encoding a\\x1b[2Jb\\nc 写真 ${"long ".repeat(60)}", async (change) => {
  await sleep(1300);
  tell("first\\x1b[31m line");
  print("result\\n");
  change("Changed");
  await sleep(400);
});
const batch = new BatchProgress(2);
batch.step("one");
await sleep(250);
batch.step("two");
batch.stop();
`;
const program = [process.execPath, "--input-type=module", "-e", PROGRAM];

/** The row that rewrites itself: cleared, drawn without wrapping, so that it never takes a second row. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: what terminals are sent
const ROW = /\r\x1b\[2K(?:\x1b\[\?7l([^\x00-\x1f]*)\x1b\[\?7h)?/g;

describe.skipIf(!hasTerminals)("progress in a terminal", () => {
  const sizes: [string, Terminal][] = [
    ["0 × 0", { rows: 0, columns: 0 }],
    ["1 column", { rows: 24, columns: 1 }],
    ["1 row of 2 columns", { rows: 1, columns: 2 }],
    ["80 columns", { rows: 24, columns: 80 }],
    ["80 columns that become 0", { rows: 24, columns: 80, shrinkTo: 0 }],
    ["80 columns that become 1", { rows: 24, columns: 80, shrinkTo: 1 }],
    ["NO_COLOR", { rows: 24, columns: 80, env: { NO_COLOR: "1" } }],
    ["FORCE_COLOR", { rows: 24, columns: 80, env: { FORCE_COLOR: "3" } }],
  ];
  it.each(sizes)("of %s is one row, and leaves nothing behind", (_, terminal) => {
    const { code, output } = inTerminal(program, terminal);
    expect(code).toBe(0);
    expect(output.replace(ROW, "")).toBe("first?[31m line\r\nresult\r\n");
    const rows = [...output.matchAll(ROW)].flatMap(([, text]) => text ?? []);
    expect(rows.some((text) => text.startsWith("| Encoding a?[2Jb?c 写真"))).toBe(true);
    expect(rows.some((text) => text.endsWith(" Changed"))).toBe(true);
    expect(rows.some((text) => /1\/2 one, .* images\/s/.test(text))).toBe(true);
    // Ten a second and some that other output asks for: a loop over rows would draw many more.
    expect(rows.length).toBeLessThan(60);
    expect(output.endsWith("\r\x1b[2K")).toBe(true);
  });

  it.each<[string, NodeJS.ProcessEnv]>([
    ["a dumb terminal", { TERM: "dumb" }],
    ["CI", { CI: "true" }],
  ])("is lines without control characters in %s", (_, env) => {
    const { code, output } = inTerminal(program, { rows: 24, columns: 80, env });
    expect(code).toBe(0);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what terminals are sent
    expect(output).not.toMatch(/\x1b/);
    expect(output.split("\r\n").map((line) => line.slice(0, 20))).toEqual([
      "- Encoding a?[2Jb",
      expect.stringMatching(/^c 写真 long/),
      "first?[31m line",
      "result",
      expect.stringMatching(/^1\/2 one, /),
      expect.stringMatching(/^2\/2 two, /),
      "",
    ]);
  });
});

describe.skipIf(!hasTerminals)("unsam in a terminal of 0 columns", { timeout: 120_000 }, () => {
  const main = inRepository("packages", "cli", "dist", "main.js");
  const photo = inRepository("docs", "images", "juice.jpg");
  it.each([["--help"], ["segment", "--help"], ["segment", photo, "--point", "60,60"]])(
    "answers %s",
    (...args) => {
      const { code, output } = inTerminal([process.execPath, main, ...args], { rows: 0, columns: 0 });
      expect(code).toBe(0);
      expect(output).toMatch(/Usage|a mask of \d+ pixels/);
    },
  );
});
