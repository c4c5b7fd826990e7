import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { fuseLabels, fuseLogits } from "#core/hierarchy/index.js";
import { finishMask, Mask } from "#core/mask/index.js";
import { mergePatches } from "#core/patch-merge/index.js";
import { regionHierarchy } from "#core/region-tree/build.js";
import { Random, randomLogits } from "../hierarchy/random.js";

// Built by CMake; without it (no compiler on this machine) there is nothing to compare.
const tool =
  process.env.UNSAM_FUSION_TWIN ?? join(import.meta.dirname, "../../../../native/build/tests/fusion_twin");

type Section = Uint32Array | Float32Array | Float64Array | Uint8Array;

function runNative(what: string, sizes: number[], ...inputs: Section[]): Buffer[] {
  const folder = mkdtempSync(join(tmpdir(), "unsam-twin-"));
  try {
    const input = join(folder, "in");
    const output = join(folder, "out");
    writeFileSync(
      input,
      Buffer.concat(
        [Uint32Array.from(sizes), ...inputs].flatMap((section) => {
          const bytes = Buffer.from(section.buffer, section.byteOffset, section.byteLength);
          return [Buffer.from(Uint32Array.of(bytes.length).buffer), bytes];
        }),
      ),
    );
    execFileSync(tool, [what, input, output]);
    const bytes = readFileSync(output);
    const sections: Buffer[] = [];
    for (let at = 0; at < bytes.length; ) {
      const length = bytes.readUInt32LE(at);
      sections.push(Buffer.from(bytes.subarray(at + 4, at + 4 + length)));
      at += 4 + length;
    }
    return sections;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Bit for bit. */
function expectSame(
  native: Buffer,
  own: { buffer: ArrayBufferLike; byteOffset: number; byteLength: number },
) {
  expect(native.equals(Buffer.from(own.buffer, own.byteOffset, own.byteLength))).toBe(true);
}

/** A photo-like image: smooth shading, shapes and noise. */
function drawImage(random: Random, width: number, height: number): Uint8Array {
  const data = new Uint8Array(width * height * 3);
  const discs = Array.from({ length: 25 }, () => ({
    x: random.next() * width,
    y: random.next() * height,
    radius: 5 + random.next() * 40,
    colour: [random.int(0, 255), random.int(0, 255), random.int(0, 255)],
  }));
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let colour = [80 + (100 * x) / width, 60 + (120 * y) / height, 120];
      for (const disc of discs) if (Math.hypot(x - disc.x, y - disc.y) < disc.radius) colour = disc.colour;
      for (const value of colour) data[i++] = Math.min(255, Math.max(0, value + 6 * random.normal()));
    }
  }
  return data;
}

describe.skipIf(!existsSync(tool))("the native twins", () => {
  it("fuse the same scene, bit for bit", () => {
    for (let seed = 0; seed < 12; seed++) {
      const random = new Random(seed);
      const [count, height, width] = [random.int(1, 30), random.int(1, 50), random.int(1, 90)];
      const data = randomLogits(random, count, height, width);
      if (seed % 2 === 1) data[random.int(0, data.length - 1)] = Number.NaN;
      const scores = Float64Array.from({ length: count }, () => random.int(0, 6) / 6);
      const granularities = Float64Array.from({ length: count }, () => random.next());
      const [maxIoU, containment, minArea] = [0.7, 0.4, 2];
      const own = fuseLogits({ count, height, width, data }, scores, granularities, {
        maxIoU,
        containment,
        minArea,
      });
      const map = fuseLabels(own.finest, own.forest, width, height);
      const native = runNative(
        "fuse",
        [count, height, width],
        data,
        scores,
        granularities,
        Float64Array.of(maxIoU, containment, minArea),
      );
      const { parent, level, order } = own.forest;
      [
        own.kept,
        own.masks.words,
        own.areas,
        own.boxes,
        own.stability,
        parent,
        level,
        order,
        own.finest,
        map.right,
        map.below,
      ].forEach((values, k) => {
        expectSame(native[k], values);
      });
    }
  });

  it("finish the same masks, bit for bit", () => {
    for (let seed = 0; seed < 12; seed++) {
      const random = new Random(50 + seed);
      const [count, h, w] = [random.int(1, 5), random.int(1, 40), random.int(1, 60)];
      const [width, height] = [random.int(1, 300), random.int(1, 200)];
      const data = randomLogits(random, count, h, w);
      if (seed % 3 === 1) data[random.int(0, data.length - 1)] = Number.NaN;
      if (seed % 3 === 2) data[random.int(0, data.length - 1)] = Number.POSITIVE_INFINITY;
      const [threshold, stabilityOffset] = [seed % 2 === 0 ? 0 : 0.1, seed % 2 === 0 ? 1 : 0.7];
      const native = runNative(
        "finish",
        [count, h, w, width, height],
        data,
        Float64Array.of(threshold, stabilityOffset),
      );
      const size = Math.ceil(width / 32) * height * 4;
      for (let k = 0; k < count; k++) {
        const map = data.subarray(k * h * w, (k + 1) * h * w);
        const own = finishMask(map, h, w, width, height, { threshold, stabilityOffset });
        expectSame(native[0].subarray(k * size, (k + 1) * size), own.words);
        expect(native[1].readUInt32LE(4 * k)).toBe(own.area);
        expect(native[2].readDoubleLE(8 * k)).toBe(own.stability);
        expect(native[3 + k].toString("latin1")).toBe(new Mask(width, height, own.words).toRLE().counts);
      }
    }
  });

  it("merge patches in the same order with the same similarities, bit for bit", () => {
    for (const [height, width, channels] of [
      [1, 1, 4],
      [7, 9, 30],
      [20, 16, 64],
    ]) {
      const random = new Random(height);
      const data = Float32Array.from({ length: height * width * channels }, () => random.normal());
      const own = mergePatches({ height, width, channels, data });
      const native = runNative("patches", [height, width, channels], data);
      expectSame(native[0], own.children);
      expectSame(native[1], own.similarity);
    }
  });

  it.each([
    [1, 1],
    [3, 2],
    [64, 48],
    [201, 133],
    [320, 240],
  ])("grow the same region tree on %i×%i pixels", (width, height) => {
    const image = { width, height, data: drawImage(new Random(width), width, height) };
    const { superpixels: regions, graph, merges } = regionHierarchy(image);

    const native = runNative("tree", [width, height], image.data);
    expectSame(native[0], regions.labels);
    expectSame(native[1], regions.markers);
    expectSame(native[2], graph.first);
    expectSame(native[3], graph.second);
    expectSame(native[4], graph.border);
    expectSame(native[6], merges.children);
    expectSame(native[7], merges.heights);
  });
});
