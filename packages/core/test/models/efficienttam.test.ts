import { describeWithShared, shared } from "@unsam/test-support";
import { describe, expect, it } from "vitest";
import { openCheckpoint } from "#core/checkpoint/index.js";
import { decodeImage } from "#core/image/index.js";
import { networkInput } from "#core/image/resize.js";
import {
  efficientTamConfig,
  efficientTamEncoder,
  foldLora,
  modelTensors,
  parseModelConfig,
  resolveModel,
  WeightView,
} from "#core/models/index.js";
import { relativeError } from "../support/compare.js";
import { ParitySet } from "../support/parity.js";
import { runGraph } from "../support/run-graph.js";

/** The promise is 1e-4; float32 in another order of summation stays below this. */
const TOLERANCE = 5e-6;

describeWithShared("image encoder of EfficientTAM against the official code, stage by stage", () => {
  it("gives every stored stage and the embedding", async () => {
    const set = new ParitySet(shared("parity", "efficienttam-mini"));
    await using checkpoint = await openCheckpoint(set.checkpointFile);
    const weights = new WeightView(foldLora(checkpoint));
    const config = efficientTamConfig(weights, { config: set.config, fileName: "" });
    const outputs = await runGraph(efficientTamEncoder(config, weights, { stages: true }), {
      pixel_values: set.array(set.image.input!),
    });
    const embedding = set.array(set.image.image_embed);
    expect(outputs.image_embed.shape).toEqual(embedding.shape);
    expect(relativeError(outputs.image_embed.data, embedding.data)).toBeLessThan(TOLERANCE);
    for (const name of ["patch_embed", "block_0", "block_2", "block_5", "neck_norm_0"]) {
      const expected = set.stage(name).data;
      // Some stages are stored as their first rows only.
      const planes = asPlanes(outputs[name], set.stage(name).shape);
      expect(relativeError(planes, expected), name).toBeLessThan(TOLERANCE);
    }
  });

  it("embeds the other photo, from its pixels", async () => {
    const set = new ParitySet(shared("parity", "efficienttam-mini"));
    await using checkpoint = await openCheckpoint(set.checkpointFile);
    const model = resolveModel(checkpoint, set.config);
    expect(model).toMatchObject({ family: "efficienttam", granularity: false, decoderSkips: null });
    const photo = await decodeImage(shared("parity", "efficienttam-mini", "img1.png"));
    const pixels = networkInput(photo, 256).data;
    const outputs = await runGraph(model.imageEncoder, {
      pixel_values: { data: pixels, shape: [1, 3, 256, 256] },
    });
    const expected = set.array(set.prompts.images[1].image_embed).data;
    expect(relativeError(outputs.image_embed.data, expected)).toBeLessThan(1e-4);
  });
});

describe("official sizes of EfficientTAM", () => {
  const sizes = [
    ["efficienttam_s.pt", 384, 6, 1024],
    ["efficienttam_s_2.pt", 384, 6, 1024],
    ["efficienttam_s_512x512.pt", 384, 6, 512],
    ["efficienttam_ti_1.pt", 192, 3, 1024],
    ["efficienttam_ti_512x512.pt", 192, 3, 512],
  ] as const;

  it.each(sizes)("%s is told by its tensors and its name", (file, width, heads, side) => {
    const model = resolveModel({ ...official(width), path: `/models/${file}` });
    expect(model.config).toMatchObject({
      name: `efficienttam-${width === 384 ? "s" : "ti"}-${side}`,
      imageSize: side,
      trunk: { embedDim: width, depth: 12, heads, window: 14, windowedBlocks: [0, 1, 3, 4, 6, 7, 9, 10] },
    });
    expect(model.features).toEqual([{ name: "image_embed", shape: [256, side / 16, side / 16] }]);
  });

  it("takes the side from the caller, and names what is missing", () => {
    const source = official(192);
    expect(resolveModel(source, { image_size: 512 }).config.imageSize).toBe(512);
    const tensors = new Map(source.tensors);
    tensors.delete("image_encoder.trunk.blocks.3.attn.qkv.bias");
    expect(() => resolveModel({ ...source, tensors })).toThrow(
      /blocks\.3\.attn\.qkv\.bias \[576\] is missing/,
    );
  });
});

/** Names and shapes of an official checkpoint. */
function official(width: number) {
  const sam2 = modelTensors(parseModelConfig({ image_size: 1024, image_encoder: { trunk: {} } }), {
    granularity: false,
  });
  const decoder = [...sam2].filter(
    ([name]) => !name.startsWith("image_encoder.") && !name.includes(".conv_s"),
  );
  const blocks = Array.from({ length: 12 }, (_, i) => {
    const block = {
      "norm1.weight": [width],
      "norm1.bias": [width],
      "attn.qkv.weight": [3 * width, width],
      "attn.qkv.bias": [3 * width],
      "attn.proj.weight": [width, width],
      "attn.proj.bias": [width],
      "norm2.weight": [width],
      "norm2.bias": [width],
      "mlp.layers.0.weight": [4 * width, width],
      "mlp.layers.0.bias": [4 * width],
      "mlp.layers.1.weight": [width, 4 * width],
      "mlp.layers.1.bias": [width],
    };
    return Object.entries(block).map(
      ([name, shape]) => [`image_encoder.trunk.blocks.${i}.${name}`, shape] as const,
    );
  });
  const own = {
    "image_encoder.trunk.pos_embed": [1, 197, width],
    "image_encoder.trunk.patch_embed.proj.weight": [width, 3, 16, 16],
    "image_encoder.trunk.patch_embed.proj.bias": [width],
    "image_encoder.neck.convs.0.conv_1x1.weight": [256, width, 1, 1],
    "image_encoder.neck.convs.0.norm_0.weight": [256],
    "image_encoder.neck.convs.0.norm_0.bias": [256],
    "image_encoder.neck.convs.0.conv_3x3.weight": [256, 256, 3, 3],
    "image_encoder.neck.convs.0.norm_1.weight": [256],
    "image_encoder.neck.convs.0.norm_1.bias": [256],
  };
  const all = [...decoder, ...blocks.flat(), ...Object.entries(own)] as (readonly [
    string,
    readonly number[],
  ])[];
  return {
    tensors: new Map(all.map(([name, shape]) => [name, { shape }])),
    read: () => Promise.reject(new Error("resolving a model reads no tensor")),
  };
}

/** Tokens [side², c] as planes [1, c, rows, side], cut to the stored rows. */
function asPlanes(
  { data, shape }: { readonly data: Float32Array; readonly shape: readonly number[] },
  [, channels, rows, side]: readonly number[],
): Float32Array {
  const width = shape[1];
  const cells = rows * side;
  return Float32Array.from(
    { length: channels * cells },
    (_, i) => data[(i % cells) * width + Math.floor(i / cells)],
  );
}
