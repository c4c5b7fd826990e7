import { readFile } from "node:fs/promises";
import { inRepository } from "@unsam/test-support";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Checkpoint, openCheckpoint } from "#core/checkpoint/index.js";
import { nanoEncoder, nanoInput, WeightView } from "#core/models/index.js";
import { parseNpy } from "#core/npy.js";
import { labPlanes } from "#core/region-tree/index.js";
import { relativeError } from "../support/compare.js";
import { runGraph } from "../support/run-graph.js";

// Made by packages/model-nano/scripts/make-parity-fixture.py with PyTorch.
const fixture = (file: string) => inRepository("packages", "core", "fixtures", "nano", file);
const array = async (name: string) => parseNpy(await readFile(fixture(`${name}.npy`)));

let checkpoint: Checkpoint;

beforeAll(async () => {
  checkpoint = await openCheckpoint(fixture("nano.safetensors"));
});

afterAll(() => checkpoint.close());

describe("the nano encoder", () => {
  it("gives what PyTorch gives", async () => {
    const pixels = await array("pixels");
    const view = new WeightView(checkpoint);
    const graph = nanoEncoder(view, { width: 96, height: 64, prompted: true });
    view.check();
    const found = await runGraph(graph, { pixels });
    for (const name of ["border", "metric", "image_embed", "high_res_1", "high_res_0"]) {
      const expected = await array(name);
      expect(found[name].shape, name).toEqual(expected.shape);
      expect(relativeError(found[name].data, expected.data), name).toBeLessThan(1e-5);
    }
  });

  it("takes an image as PyTorch does, up to the tree's own table for Lab", async () => {
    const rgb = await array("rgb");
    const [height, width] = rgb.shape;
    const input = nanoInput(labPlanes({ data: Uint8Array.from(rgb.data), width, height }), width, height);
    expect([input.height, input.width]).toEqual([64, 96]);
    const expected = await array("pixels");
    let worst = 0;
    expected.data.forEach((value, i) => {
      worst = Math.max(worst, Math.abs(value - input.data[i]));
    });
    expect(worst).toBeLessThan(2e-3);
  });

  it("pads by repeating the last row and column", () => {
    const plane = Float32Array.from({ length: 33 * 5 }, (_, i) => i % 33);
    const input = nanoInput({ L: plane, a: plane, b: plane }, 33, 5);
    expect([input.width, input.height, input.data.length]).toEqual([64, 32, 4 * 64 * 32]);
    const a = (x: number, y: number) => input.data[64 * 32 + y * 64 + x] * 40;
    expect(a(7, 2)).toBeCloseTo(7);
    expect(a(63, 31)).toBeCloseTo(32);
  });

  it("names tensors that are missing", () => {
    const tensors = new Map([...checkpoint.tensors].filter(([name]) => name !== "stages.2.0.bias"));
    const view = new WeightView({ tensors, read: (name) => checkpoint.read(name) });
    nanoEncoder(view, { width: 32, height: 32 });
    expect(() => view.check()).toThrow(/stages\.2\.0\.bias/);
  });
});
