import { describeWithShared } from "@unsam/test-support";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  GRANULARITY_TOKENS,
  type MemoryConfig,
  type ModelConfig,
  memoryAttention,
  memoryConfig,
  memoryEncoder,
  modelTensors,
  officialConfig,
  sam2Model,
  WeightView,
} from "#core/models/index.js";
import { elementCount, type Tensor } from "#core/tensor.js";
import { largestDifference } from "../support/compare.js";
import { runGraph } from "../support/run-graph.js";
import { VideoSet } from "../support/video-set.js";

/** Every array agrees to this where its stored inputs are used (README of the fixture). */
const STAGE_LIMIT = 1e-4;

describeWithShared("memory graphs, stage by stage", () => {
  const set = new VideoSet();
  let weights: WeightView;
  let config: MemoryConfig;
  let close: () => Promise<void>;

  beforeAll(async () => {
    const { model, close: end } = await set.open("sam2.1");
    close = end;
    weights = new WeightView(model.weights);
    config = memoryConfig(model.config as ModelConfig, set.json("config.json"), weights);
  });
  afterAll(() => close());

  it("attends to memories as the official code does", async () => {
    const graph = memoryAttention(config, weights, { stages: true });
    const memory = set.stage("f1.memory_tokens");
    const positions = set.stage("f1.memory_pos_tokens");
    const [cells, m] = [256, 64];
    // Row 6 of the official table, which the map's encoding is added to.
    const { data: times } = await weights.read("maskmem_tpos_enc");
    const result = await runGraph(graph, {
      features: batch(set.stage("f1.vision_features")),
      memory: { data: memory.data.slice(0, cells * m), shape: [1, cells, m] },
      memory_time: { data: times.slice(6 * m, 7 * m), shape: [1, 1, m] },
      pointers: { data: memory.data.slice(cells * m), shape: [4, m] },
      pointer_time: { data: positions.data.slice(cells * m), shape: [4, m] },
    });
    for (const stage of ["after_self", "after_cross", "out"]) {
      for (const layer of [0, 1]) {
        const name = `layer${layer}.${stage}`;
        expect(difference(result[name], set.stage(`f1.${name}`)), name).toBeLessThan(STAGE_LIMIT);
      }
    }
    const rows = slab(result.conditioned, 4);
    expect(largestDifference(rows, set.stage("f1.conditioned").data)).toBeLessThan(STAGE_LIMIT);
  });

  it("encodes a frame and its mask as the official code does", async () => {
    const graph = memoryEncoder(config, weights, { stages: true });
    const stored = set.stage("f1.enc.mask_rows_96_159");
    // Rows 96 to 159 are known; what they alone decide lies in rows 7 to 8 of the embedded mask.
    const mask = new Float32Array(256 * 256);
    mask.set(stored.data, 96 * 256);
    const result = await runGraph(graph, {
      features: batch(set.stage("f1.vision_features")),
      mask: { data: mask, shape: [1, 1, 256, 256] },
      absent: { data: Float32Array.of(0), shape: [1, 1] },
    });
    const expected = set.stage("f1.enc.mask_embed");
    for (let channel = 0; channel < 32; channel++) {
      const rows = (data: ArrayLike<number>) =>
        Array.from({ length: 32 }, (_, i) => data[channel * 256 + 7 * 16 + i]);
      expect(largestDifference(rows(result.mask_embed.data), rows(expected.data))).toBeLessThan(STAGE_LIMIT);
    }
  });

  it("adds what stands for an absent object", async () => {
    const graph = memoryEncoder(config, weights, { stages: true });
    const { data: own } = await weights.read("no_obj_embed_spatial");
    const result = await runGraph(graph, {
      features: batch(set.stage("f1.vision_features")),
      mask: { data: new Float32Array(256 * 256).fill(-10), shape: [1, 1, 256, 256] },
      absent: { data: Float32Array.of(1), shape: [1, 1] },
    });
    const added = result.out.data.map((value, i) => value + own[i % 64]);
    expect(largestDifference(result.memory.data, added)).toBeLessThan(1e-6);
  });

  it("attends where there is no pointer at all", async () => {
    const memory = set.stage("f1.memory_tokens").data.slice(0, 256 * 64);
    const { conditioned } = await runGraph(memoryAttention(config, weights), {
      features: batch(set.stage("f1.vision_features")),
      memory: { data: memory, shape: [1, 256, 64] },
      memory_time: { data: new Float32Array(64), shape: [1, 1, 64] },
      pointers: { data: new Float32Array(0), shape: [0, 64] },
      pointer_time: { data: new Float32Array(0), shape: [0, 64] },
    });
    expect(conditioned.data.every(Number.isFinite)).toBe(true);
  });
});

describeWithShared("memory tensors", () => {
  it("are not asked for where a model is opened for images", async () => {
    const { model, close } = await new VideoSet().open("unsamv2");
    const read: string[] = [];
    const source = {
      tensors: model.weights.tensors,
      read: (name: string) => {
        read.push(name);
        return model.weights.read(name);
      },
    };
    const opened = sam2Model(
      "unsamv2",
      model.config as ModelConfig,
      new WeightView(source),
      GRANULARITY_TOKENS,
    );
    for (const graph of [opened.imageEncoder, opened.maskDecoder]) {
      for (const weight of graph.weights) await weight.load();
    }
    await opened.decoderWeights();
    const memory = /^(memory_|maskmem|obj_ptr|mask_downsample|no_obj|no_mem_pos)/;
    expect(read.filter((name) => memory.test(name))).toEqual([]);
    // The part for videos reads nothing either until it is used.
    const before = read.length;
    expect(opened.video?.().rules.memoryFrames).toBe(7);
    expect(read).toHaveLength(before);
    await close();
  });
});

describe("the memory of published sizes", () => {
  it.each(["tiny", "small", "base-plus", "large"])("is built for %s from the tensors alone", (size) => {
    const config = officialConfig(size);
    const model = sam2Model("sam2", config, new WeightView(shapesOf(config, 4, 2048)), null);
    const video = model.video!();
    expect(video.rules).toMatchObject({ memoryFrames: 7, memoryWidth: 64, maxObjectPointers: 16 });
    expect(video.memoryAttention.outputs[0].value.shape).toEqual([1, 256, 64, 64]);
    const parts = video.memoryAttention.weights.map(({ name }) => name);
    expect(parts.filter((name) => /layers\.\d\.norm1\.weight/.test(name))).toHaveLength(4);
  });

  it("is refused where the checkpoint has none", () => {
    const config = officialConfig("tiny");
    const source = { tensors: imageShapes(config), read: () => Promise.reject(new Error("read")) };
    const model = sam2Model("sam2", config, new WeightView(source), null);
    expect(() => model.video!()).toThrow(expect.objectContaining({ code: "E_UNSUPPORTED" }));
  });

  it("names a tensor that is missing or misshapen", () => {
    const config = officialConfig("tiny");
    const source = shapesOf(config, 4, 2048);
    source.tensors.set("no_obj_ptr", { shape: [1, 255] });
    const model = sam2Model("sam2", config, new WeightView(source), null);
    expect(() => model.video!()).toThrow(/no_obj_ptr is \[1, 255\] instead of \[1, 256\]/);
  });

  it("refuses a configuration that it would answer wrongly", () => {
    const config = officialConfig("tiny");
    const source = shapesOf(config, 4, 2048);
    const open = (given: object) => sam2Model("sam2", config, new WeightView(source), null, given).video!();
    expect(() => open({ num_maskmem: 5 })).toThrow(/num_maskmem 5/);
    expect(() => open({ use_obj_ptrs_in_encoder: false })).toThrow(
      expect.objectContaining({ code: "E_BAD_CONFIG" }),
    );
  });
});

function imageShapes(config: ModelConfig): Map<string, { shape: readonly number[] }> {
  const shapes = [...modelTensors(config, { granularity: false })];
  return new Map(shapes.map(([name, shape]) => [name, { shape }]));
}

/** Names and shapes of a published SAM 2.1, memory included, written down from the official module's definition. */
function shapesOf(config: ModelConfig, layers: number, feedForward: number) {
  const tensors = imageShapes(config);
  const set = (name: string, ...shape: number[]) => tensors.set(name, { shape });
  const linear = (name: string, to: number, from: number) => {
    set(`${name}.weight`, to, from);
    set(`${name}.bias`, to);
  };
  const norm = (name: string, width: number) => {
    set(`${name}.weight`, width);
    set(`${name}.bias`, width);
  };
  for (let i = 0; i < layers; i++) {
    const layer = `memory_attention.layers.${i}`;
    for (const [attention, from] of [
      ["self_attn", 256],
      ["cross_attn_image", 64],
    ] as const) {
      linear(`${layer}.${attention}.q_proj`, 256, 256);
      linear(`${layer}.${attention}.k_proj`, 256, from);
      linear(`${layer}.${attention}.v_proj`, 256, from);
      linear(`${layer}.${attention}.out_proj`, 256, 256);
    }
    linear(`${layer}.linear1`, feedForward, 256);
    linear(`${layer}.linear2`, 256, feedForward);
    for (const which of [1, 2, 3]) norm(`${layer}.norm${which}`, 256);
  }
  norm("memory_attention.norm", 256);
  const conv = (name: string, ...shape: number[]) => {
    set(`${name}.weight`, ...shape);
    set(`${name}.bias`, shape[0]);
  };
  const widths = [1, 4, 16, 64, 256];
  for (let i = 0; i < 4; i++) {
    conv(`memory_encoder.mask_downsampler.encoder.${3 * i}`, widths[i + 1], widths[i], 3, 3);
    norm(`memory_encoder.mask_downsampler.encoder.${3 * i + 1}`, widths[i + 1]);
  }
  conv("memory_encoder.mask_downsampler.encoder.12", 256, 256, 1, 1);
  conv("memory_encoder.pix_feat_proj", 256, 256, 1, 1);
  for (const i of [0, 1]) {
    const block = `memory_encoder.fuser.layers.${i}`;
    conv(`${block}.dwconv`, 256, 1, 7, 7);
    norm(`${block}.norm`, 256);
    linear(`${block}.pwconv1`, 1024, 256);
    linear(`${block}.pwconv2`, 256, 1024);
    set(`${block}.gamma`, 256);
  }
  conv("memory_encoder.out_proj", 64, 256, 1, 1);
  for (const i of [0, 1, 2]) linear(`obj_ptr_proj.layers.${i}`, 256, 256);
  linear("obj_ptr_tpos_proj", 64, 256);
  conv("mask_downsample", 1, 1, 4, 4);
  set("maskmem_tpos_enc", 7, 1, 1, 64);
  set("no_mem_embed", 1, 1, 256);
  set("no_obj_ptr", 1, 256);
  set("no_obj_embed_spatial", 1, 64);
  return { tensors, read: () => Promise.reject(new Error("Only shapes were wanted.")) };
}

function batch({ data, shape }: Tensor): Tensor {
  return { data, shape: [1, ...shape] };
}

/** Over the positions that were stored. */
function difference(actual: Tensor, expected: Tensor): number {
  return largestDifference(actual.data.subarray(0, elementCount(expected.shape)), expected.data);
}

/** The first rows of each channel of a map [1, c, s, s]. */
function slab({ data, shape }: Tensor, rows: number): Float32Array {
  const [, channels, side] = shape;
  const result = new Float32Array(channels * rows * side);
  for (let c = 0; c < channels; c++) {
    result.set(data.subarray(c * side * side, c * side * side + rows * side), c * rows * side);
  }
  return result;
}
