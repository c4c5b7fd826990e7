import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { writeSafetensors } from "@unsam/core/checkpoint";
import { type NetworkFamily, WeightView } from "@unsam/core/models";
import { inRepository } from "@unsam/test-support";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { unsam } from "./run.js";

// The family of networks that docs/extending/add-a-model.md shows, named by --family.

const family = inRepository("packages", "sdk", "test", "own-family", "patches.mjs");
let folder: string;
let checkpoint: string;
let data: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "unsam-own-family-"));
  checkpoint = path.join(folder, "patches.safetensors");
  const { default: patches }: { default: NetworkFamily } = await import(family);
  const view = new WeightView({
    tensors: new Map(),
    read: () => Promise.reject(new Error("nothing is read")),
  });
  patches.model(view, { config: undefined, fileName: "" });
  const weights = [...view.required].map(([name, shape]) => {
    const count = shape.reduce((product, side) => product * side, 1);
    const scale = Math.sqrt(3 / (count / shape[0]));
    return {
      name,
      dtype: "float32" as const,
      shape,
      data: Float32Array.from({ length: count }, (_, i) => scale * Math.sin(7 * i)),
    };
  });
  await writeSafetensors(checkpoint, weights, {});
  data = path.join(folder, "halves");
  for (const part of ["images", "labels"]) await mkdir(path.join(data, part), { recursive: true });
  const label = Uint8Array.from({ length: 64 * 48 }, (_, i) => (i % 64 < 32 ? 1 : 2));
  const photo = Uint8Array.from(label, (value) => 80 * value);
  for (const [part, pixels] of [
    ["images", photo],
    ["labels", label],
  ] as const) {
    const raw = { width: 64, height: 48, channels: 1 } as const;
    await sharp(pixels, { raw })
      .toColourspace("b-w")
      .png()
      .toFile(path.join(data, part, "half.png"));
  }
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("--family", () => {
  const own = () => ["--family", family, "--model", checkpoint];

  it("lets eval, pseudo-label and segment open a model of it", { timeout: 120_000 }, async () => {
    const evaluated = await unsam(["eval", "--data", data, ...own(), "--levels", "1", "--json"]);
    expect(evaluated.stderr).not.toContain("E_");
    expect(JSON.parse(evaluated.stdout).results).toMatchObject([
      { method: checkpoint, images: 1, failures: [] },
    ]);
    const photo = path.join(data, "images", "half.png");
    const segmented = await unsam(["segment", photo, "--point", "10,10", ...own(), "--json"]);
    expect([segmented.code, segmented.stderr]).toEqual([0, expect.anything()]);
    const out = path.join(folder, "labels");
    const labelled = await unsam([
      "pseudo-label",
      path.join(data, "images"),
      "--out",
      out,
      "--divide",
      "cuts",
      ...own(),
      "--json",
    ]);
    expect(JSON.parse(labelled.stdout)).toMatchObject({ failed: [] });
  });

  it("lets inspect say what a checkpoint is, which it does not know otherwise", async () => {
    const known = await unsam(["inspect", checkpoint, "--family", family, "--json"]);
    const unknown = await unsam(["inspect", checkpoint, "--json"]);
    expect(JSON.parse(known.stdout)).toMatchObject({ problem: null });
    expect(JSON.parse(unknown.stdout)).toMatchObject({ model: null });
  });

  it("refuses what is no module, exports no family, or makes no difference", async () => {
    const nothing = path.join(folder, "nothing.mjs");
    await writeFile(nothing, "export default { name: 'nothing' };");
    const broken = path.join(folder, "broken.mjs");
    await writeFile(broken, "throw new Error('not today');");
    for (const [file, message] of [
      [nothing, /default export of .*nothing\.mjs is no model family; export/],
      [broken, /broken\.mjs cannot be imported: .*not today/],
      [path.join(folder, "absent.mjs"), /absent\.mjs/],
    ] as const) {
      const { code, stdout, stderr } = await unsam(["inspect", checkpoint, "--family", file]);
      expect([code, stdout]).toEqual([2, ""]);
      expect(stderr).toMatch(message);
    }
    const alone = await unsam([
      "pseudo-label",
      folder,
      "--out",
      path.join(folder, "none"),
      "--family",
      family,
    ]);
    expect([alone.code, alone.stderr]).toEqual([
      2,
      expect.stringMatching(/--family belongs to a checkpoint/),
    ]);
  });
});
