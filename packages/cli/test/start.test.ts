import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { inRepository } from "@unsam/test-support";
import { expect, it } from "vitest";

/** The packages of which `unsam` with these words loads a file. */
function packagesLoadedBy(words: readonly string[]): string[] {
  const folder = mkdtempSync(path.join(tmpdir(), "unsam-start-"));
  try {
    const env = { ...process.env, NODE_V8_COVERAGE: folder };
    execFileSync(process.execPath, [inRepository("packages", "cli", "bin", "unsam.js"), ...words], { env });
    const files = readdirSync(folder).flatMap((name) => {
      const { result } = JSON.parse(readFileSync(path.join(folder, name), "utf8"));
      return (result as { url: string }[]).map(({ url }) => url);
    });
    const names = files.map(
      (url) =>
        /node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*node_modules)|packages\/([\w-]+)\/dist\//.exec(url) ?? [],
    );
    return [...new Set(names.flatMap(([, installed, own]) => installed ?? own ?? []))].sort();
  } finally {
    rmSync(folder, { recursive: true });
  }
}

it.each([[["--version"]], [["--help"]], [["segment", "--help"]], [["completion", "bash"]]])(
  "unsam %s loads no model, image library or validator",
  (words) => {
    expect(packagesLoadedBy(words)).toEqual(["cli", "commander", "core", "evaluation"]);
  },
);

it("unsam models needs the SDK, and is counted with it", () => {
  expect(packagesLoadedBy(["models"])).toContain("sdk");
});
