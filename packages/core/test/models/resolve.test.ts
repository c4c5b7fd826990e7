import { readFileSync } from "node:fs";
import { describeWithShared, shared } from "@unsam/test-support";
import { describe, expect, it } from "vitest";
import { openCheckpoint } from "#core/checkpoint/index.js";
import { parseModelConfig, resolveModel } from "#core/models/index.js";
import { requiredShapes } from "../support/synthetic-model.js";

const json = {
  image_size: 64,
  image_encoder: { trunk: { embed_dim: 8, stages: [1, 1, 1, 1], global_att_blocks: [] } },
};
const config = parseModelConfig(json);
const read = () => Promise.reject(new Error("resolving a model reads no tensor"));

describe("checkpoint and configuration together", () => {
  it("tolerates tensors that a single image never uses", () => {
    const tensors = requiredShapes(config, false);
    tensors.set("memory_attention.norm.weight", { shape: [256] });
    expect(resolveModel({ tensors, read }, json).granularity).toBe(false);
  });

  it("names the first missing tensors and counts the others", () => {
    const tensors = requiredShapes(config, true);
    for (const name of [...tensors.keys()])
      if (name.includes("granularity_embedding") || name.includes("mlp.mlp")) tensors.delete(name);
    expect(() => resolveModel({ tensors, read }, json)).toThrow(
      expect.objectContaining({
        code: "E_BAD_CHECKPOINT",
        message: expect.stringMatching(/fourier_embedder.*\[192, 128\] is missing; .*and 4 more of/),
      }),
    );
  });

  it("does not size anything by a shape before it was checked", () => {
    const tensors = requiredShapes(config, true);
    tensors.set("sam_prompt_encoder.fourier_embedder.mlp.mlp.0.weight", { shape: [192, 2 ** 40] });
    expect(() => resolveModel({ tensors, read }, json)).toThrow(
      expect.objectContaining({ code: "E_BAD_CHECKPOINT" }),
    );
  });
});

describeWithShared("hostile checkpoints that are well-formed files", () => {
  const mini = JSON.parse(readFileSync(shared("parity/unsamv2-mini/config.json"), "utf8"));

  it.each([
    ["missing-tensor.pt", "sam_mask_decoder.transformer.layers.1.norm4.weight [256] is missing"],
    ["wrong-shape.pt", "sam_mask_decoder.gra_token.weight is [2, 128] instead of [1, 256]"],
  ])("%s", async (file, sentence) => {
    await using checkpoint = await openCheckpoint(shared("parity/hostile", file));
    expect(() => resolveModel(checkpoint, mini)).toThrow(
      expect.objectContaining({ code: "E_BAD_CHECKPOINT", message: expect.stringContaining(sentence) }),
    );
  });
});
