import { execFileSync } from "node:child_process";
import { mkdtemp, open, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type TensorToWrite, writeSafetensors } from "@unsam/core/checkpoint";
import { EncodedImage, UnSAM, UnSAMError } from "@unsam/sdk";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { smallNetwork } from "../scene/scenes.js";
import { savedEncoding, savedPicture } from "./saved-files.js";

let folder: string;
let tree: UnSAM;
let network: UnSAM;
const at = (name: string) => path.join(folder, name);
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "unsam-encodings-"));
  tree = await UnSAM.load({ model: "region-tree" });
  network = await UnSAM.load({ model: smallNetwork });
});
afterAll(async () => {
  await tree.dispose();
  await network.dispose();
  await rm(folder, { recursive: true });
});

const about = (unsam: UnSAM, width: number | string, height: number | string) => ({
  format: "unsam-encoded-image",
  version: "1",
  width: `${width}`,
  height: `${height}`,
  model: unsam.engine.info.name,
  fingerprint: unsam.engine.info.fingerprint,
});

/** A tree of one leaf that covers everything, as runs of at most 2²⁴ pixels. */
function oneLeaf(pixels: number): TensorToWrite[] {
  const runs: number[] = [];
  for (let left = pixels; left > 0; left -= 2 ** 24) runs.push(Math.min(left, 2 ** 24), 0);
  return [
    { name: "leafRuns", dtype: "int32", shape: [runs.length / 2, 2], data: Int32Array.from(runs) },
    { name: "parent", dtype: "int32", shape: [1], data: Int32Array.of(0) },
    { name: "heights", dtype: "float32", shape: [1], data: Float32Array.of(0) },
    { name: "contrast", dtype: "float32", shape: [1], data: Float32Array.of(0) },
  ];
}

async function refusal(unsam: UnSAM, file: string, options = {}): Promise<string> {
  const before = process.memoryUsage().rss;
  const error = await EncodedImage.load(unsam, file, options).catch((caught) => caught);
  expect(error).toBeInstanceOf(UnSAMError);
  expect(error.code).toBe("E_BAD_FILE");
  expect(error.message).toContain(path.basename(file));
  expect(process.memoryUsage().rss - before).toBeLessThan(300e6);
  return error.message;
}

describe("a saved encoding that asks for too much", () => {
  it("is refused where its photo is larger than allowed", async () => {
    const file = at("large");
    for (const [width, height] of [
      [20_000, 20_000],
      [1, 1e8],
      [1e14, 1],
      [1e14, 1e14],
    ]) {
      await writeSafetensors(file, oneLeaf(2 ** 24), about(tree, width, height));
      expect(await refusal(tree, file)).toMatch(/pixels.*maxPixels/);
      await writeSafetensors(file, oneLeaf(100), about(network, width, height));
      expect(await refusal(network, file)).toMatch(/pixels.*maxPixels/);
    }
    await writeSafetensors(file, oneLeaf(1e6), about(tree, 1000, 1000));
    expect(await refusal(tree, file, { maxPixels: 999_999 })).toMatch(/limit of 999999/);
    expect(await refusal(tree, file, { maxBytes: 4e6 })).toMatch(/4000000 bytes.*maxBytes/);
    const loaded = await EncodedImage.load(tree, file, { maxPixels: 1e6, maxBytes: 4.1e6 });
    expect((await loaded.segment({ points: [[5, 5]] })).mask.area).toBe(1e6);
  });

  it("is refused where its size is no number of pixels", async () => {
    for (const wrong of ["0", "-3", "1e3", "0x10", " 48", "48.0", "NaN", "", "9".repeat(400)]) {
      await writeSafetensors(at("size"), oneLeaf(100), about(tree, wrong, 36));
      expect(await refusal(tree, at("size"))).toMatch(/damaged/);
    }
  });

  it("is refused where an array is larger than allowed, before it is read", async () => {
    // A file of 6 GB that takes no room on the disk: one array of zeros.
    const file = at("sparse");
    const count = 1.5e9;
    const header = JSON.stringify({
      __metadata__: about(network, 48, 36),
      image_embed: { dtype: "F32", shape: [count], data_offsets: [0, 4 * count] },
    });
    const start = Buffer.alloc(8);
    start.writeBigUInt64LE(BigInt(header.length));
    await writeFile(file, Buffer.concat([start, Buffer.from(header)]));
    const handle = await open(file, "r+");
    await handle.truncate(8 + header.length + 4 * count);
    await handle.close();
    expect(await refusal(network, file)).toMatch(/1073741824 bytes.*maxBytes/);
    await rm(file);
  });

  it("is refused where its tree is a chain, of which all pairs would be compared", async () => {
    const leaves = 50_000;
    const root = 2 * leaves - 2;
    // Each leaf but the first joins all before it.
    const parent = Int32Array.from({ length: root + 1 }, (_, node) => {
      if (node < leaves) return Math.max(leaves, leaves + node - 1);
      return Math.min(root, node + 1);
    });
    const heights = Float32Array.from(parent, (_, node) => Math.max(0, node - leaves) / leaves);
    const runs = Int32Array.from({ length: 2 * leaves }, (_, i) => (i % 2 === 0 ? 1 : i >> 1));
    const chain: TensorToWrite[] = [
      { name: "leafRuns", dtype: "int32", shape: [leaves, 2], data: runs },
      { name: "parent", dtype: "int32", shape: [root + 1], data: parent },
      { name: "heights", dtype: "float32", shape: [root + 1], data: heights },
      { name: "contrast", dtype: "float32", shape: [root + 1], data: new Float32Array(root + 1) },
    ];
    await writeSafetensors(at("chain"), chain, about(tree, 500, 100));
    const error = await EncodedImage.load(tree, at("chain")).catch((caught) => caught);
    expect(error).toMatchObject({ code: "E_BAD_FILE", message: expect.stringMatching(/2048 of its nodes/) });
  });

  it("is refused where its header is longer than allowed", async () => {
    const file = at("header");
    await writeSafetensors(file, oneLeaf(48 * 36), { ...about(tree, 48, 36), more: "x".repeat(70_000) });
    expect(await refusal(tree, file)).toMatch(/header of \d+ bytes exceeds the limit of 65536/);
    expect((await EncodedImage.load(tree, file, { maxHeaderBytes: 1e5 })).width).toBe(48);
    await expect(EncodedImage.load(tree, file, { maxHeaderBytes: 0 })).rejects.toMatchObject({
      code: "E_BAD_OPTION",
    });
  });
});

describe("a file that is no saved encoding", () => {
  it.runIf(process.platform !== "win32")("is refused at once where it is no file", async () => {
    execFileSync("mkfifo", [at("fifo")]);
    await symlink("/dev/zero", at("zero"));
    for (const name of ["fifo", "zero", "."])
      expect(await refusal(tree, at(name))).toMatch(/not a regular|folder/);
    expect(await refusal(tree, at("none"))).toMatch(/no file/);
  });

  it("is refused where it holds something else", async () => {
    expect(await refusal(tree, smallNetwork.checkpoint)).toMatch(/its format is "pt"/);
    await writeFile(at("text"), "PK\x03\x04 and so on, for longer than a header");
    expect(await refusal(tree, at("text"))).toMatch(/header/);
  });

  it("is refused where an array holds what is no number", async () => {
    await using image = await network.encode(savedPicture());
    const { tensors } = await network.engine
      .encode({ ...savedPicture() }, {})
      .then((encoded) => encoded.save());
    for (const wrong of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const written = [...tensors].map(([name, { shape, data }]): TensorToWrite => {
        const copy = Float32Array.from(data as Float32Array);
        if (name === "high_res_1") copy[77] = wrong;
        return { name, shape, dtype: "float16", data: copy };
      });
      await writeSafetensors(at("nan"), written, about(network, image.width, image.height));
      expect(await refusal(network, at("nan"))).toMatch(new RegExp(`"high_res_1" holds ${wrong}`));
    }
  });

  it("is refused or answers, whatever was changed in it", async () => {
    const change = fc.tuple(fc.nat(savedEncoding.length - 1), fc.nat(255));
    const cut = fc.oneof(fc.constant(savedEncoding.length), fc.nat(savedEncoding.length));
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 5 }), cut, async (changes, length) => {
        const bytes = Buffer.from(savedEncoding.subarray(0, length));
        for (const [place, value] of changes) if (place < length) bytes[place] = value;
        await writeFile(at("mutated"), bytes);
        try {
          await using loaded = await EncodedImage.load(tree, at("mutated"), {
            maxPixels: 1e6,
            maxBytes: 1e7,
          });
          const { mask } = await loaded.segment({ points: [[0, 0]], granularity: 0.4 });
          expect([mask.width, mask.height]).toEqual([loaded.width, loaded.height]);
        } catch (error) {
          expect(error).toMatchObject({ name: "UnSAMError", code: "E_BAD_FILE" });
        }
      }),
      { numRuns: 400 },
    );
  });

  it("stops when aborted", async () => {
    await writeFile(at("whole"), savedEncoding);
    const reason = new Error("enough");
    await expect(EncodedImage.load(tree, at("whole"), { signal: AbortSignal.abort(reason) })).rejects.toBe(
      reason,
    );
  });
});
