import { describe, expect, it } from "vitest";
import { type Source, sources } from "../support/sources.js";

// Files that users name are read and written through src/files alone. This reads the sources of all packages, so that a new
// way around it is noticed.

/** Functions of node:fs that open nothing and write no content: they may be used anywhere. */
const HARMLESS = new Set([
  ..."access chmod constants existsSync FileHandle lstat readdir readlinkSync realpath rename rm stat Stats".split(
    " ",
  ),
]);

/** All else, with the reason why it is no file of a user. */
const ALLOWED: Readonly<Record<string, readonly [names: string, why: string]>> = {
  "cli/src/version.ts": ["readFileSync", "the package.json of the package itself"],
  "core/src/graph/write-model.ts": ["open", "new files (wx) in a private folder of the cache"],
  "core/src/encoder/encoder-cache.ts": [
    "mkdir open",
    "entries of the private cache, opened without following links",
  ],
  "mcp/src/version.ts": ["readFileSync", "the package.json of the package itself"],
  "native-cuda/src/smoke-test.ts": [
    "mkdir writeFile",
    "the memory of tested addons in the private cache; it lies below core",
  ],
  "queue/src/version.ts": ["readFileSync", "the package.json of the package itself"],
  "server/src/version.ts": ["readFileSync", "the package.json of the package itself"],
  "studio/src/export/export-regions.ts": ["mkdtemp", "a private folder for files that are read back at once"],
  "test-support/src/parity.ts": ["readFileSync", "reference data of the tests"],
};

/** Files that hand bytes of others to sharp: each has looked at their first bytes. Everything else gives it pixels. */
const DECODERS = [
  "core/src/image/decode.ts",
  "core/src/mask/png.ts",
  "evaluation/src/datasets/benchmarks/read-regions.ts",
  "evaluation/src/datasets/label-maps/read-label-map.ts",
];

/** Names that a source takes from node:fs; `*` where it takes it whole. */
function takenFromFs({ text }: Source): string[] {
  const taken: string[] = [];
  const imports = /import\s+(?:type\s+)?([^;]*?)\s+from\s+"(?:node:)?fs(?:\/promises)?"/g;
  for (const [, what] of text.matchAll(imports)) {
    const list = /^\{([\s\S]*)\}$/.exec(what);
    if (!list) taken.push("*");
    else {
      const names = list[1].split(",").map(
        (name) =>
          name
            .replace(/^\s*type\s+/, "")
            .trim()
            .split(/\s+as\s+/)[0],
      );
      taken.push(...names.filter((name) => name !== ""));
    }
  }
  const others = /(?:require|import|getBuiltinModule)\(\s*"(?:node:)?fs(?:\/promises)?"\s*\)/;
  return others.test(text) ? [...taken, "*"] : taken;
}

const all = sources();
const outside = all.filter(({ file }) => !file.startsWith("core/src/files/"));

describe("the one door for files", () => {
  it("is the only one that opens files, but for these", () => {
    const found = outside.flatMap((source) => {
      const names = takenFromFs(source).filter((name) => !HARMLESS.has(name));
      return names.length > 0 ? [[source.file, [...new Set(names)].sort().join(" ")]] : [];
    });
    const allowed = Object.entries(ALLOWED).map(([file, [names]]) => [file, names]);
    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(allowed));
  });

  it("is the only one that has sharp write files, and sharp reads none but large images in parts", () => {
    const opened: string[] = [];
    for (const { file, text } of all) {
      expect(text, file).not.toMatch(/\.toFile\(/);
      const reads = text.matchAll(/sharp\(\s*(?:\w*\.#?)?(?:file|path|name|source|photo|image)\s*[,)]/gi);
      for (const _ of reads) opened.push(file);
    }
    // The header and the rows of an image larger than memory. The door has looked at its kind and first bytes before.
    expect(opened.sort()).toEqual(["core/src/image/decode.ts", "core/src/image/image-parts.ts"]);
  });

  it("is passed before sharp decodes", () => {
    const decode = /sharp\(\s*\w*bytes\b(?![^)]*\braw:)/;
    const found = all.filter(({ text }) => decode.test(text)).map(({ file }) => file);
    expect(found.sort()).toEqual(DECODERS);
  });

  it("makes folders, since Node's own recursive mkdir hangs in /proc", () => {
    const found = outside
      .filter(({ text }) => /mkdir(Sync)?\([^)]*recursive/.test(text))
      .map(({ file }) => file);
    expect(found).toEqual(["native-cuda/src/smoke-test.ts"]);
  });

  it("would notice", () => {
    const taken = (text: string) => takenFromFs({ file: "x.ts", text });
    expect(taken('import { readFile, type Stats } from "node:fs/promises";')).toEqual(["readFile", "Stats"]);
    expect(taken('import {\n  open as openFile,\n} from "fs";')).toEqual(["open"]);
    expect(taken('import fs from "node:fs";')).toEqual(["*"]);
    expect(taken('import * as fs from "node:fs";')).toEqual(["*"]);
    expect(taken('const fs = await import("node:fs/promises");')).toEqual(["*"]);
    expect(all.length).toBeGreaterThan(200);
  });
});
