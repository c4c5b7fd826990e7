import { describe, expect, it } from "vitest";
import { MODEL_FAMILIES } from "#core/families/index.js";
import { type Source, sources } from "../support/sources.js";

// Everybody opens models through openModel, and no code but a family's own asks which family a model is of. This reads the
// sources of all packages, so that a new way around it is noticed.

const all = sources();
const OWN = ["core/src/families/", "core/src/models/"];
/** Names of baselines, one of which is called as a family is. */
const BASELINES = "evaluation/src/methods/open-method.ts";

const OPENERS = /\b(openNetworkEngine|recogniseCheckpoint|new TreeEngine)\b/;
const names = MODEL_FAMILIES.map(({ name }) => name).join("|");
const COMPARED = new RegExp(
  `[!=]==? *"(?:${names})"|"(?:${names})" *[!=]==?|case "(?:${names})"|\\.family *[!=]==?`,
);

const having = (pattern: RegExp, from: readonly Source[] = all) =>
  from.filter(({ text }) => pattern.test(text)).map(({ file }) => file);
const outside = all.filter(({ file }) => !OWN.some((folder) => file.startsWith(folder)));

describe("the one door to models", () => {
  it("is the only one that opens engines", () => {
    const others = outside.filter(({ file }) => !file.startsWith("core/src/engine/"));
    expect(having(OPENERS, others)).toEqual([]);
  });

  it("is the only place where a family is asked for by its name", () => {
    expect(having(COMPARED, outside)).toEqual([BASELINES]);
  });

  it("would notice", () => {
    for (const text of [
      'if (model === "nano")',
      '"sam2" !== family',
      'case "region-tree":',
      "a.family === b",
    ]) {
      expect(having(COMPARED, [{ file: "x.ts", text }]), text).toEqual(["x.ts"]);
    }
    expect(having(OPENERS)).not.toEqual([]);
  });
});

it("our errors are told by their mark, which those of another copy have, too", () => {
  expect(having(/instanceof UnSAMError/)).toEqual([]);
});
