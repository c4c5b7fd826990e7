import { readFileSync } from "node:fs";
import { inRepository } from "@unsam/test-support";
import { describe, expect, it } from "vitest";
import { parseModelConfig } from "#core/models/index.js";

const official = JSON.parse(
  readFileSync(inRepository("packages/core/fixtures/unsamv2-mini/config.json"), "utf8"),
);

/** The official configuration with one key, given as a path, replaced. */
function changed(key: string, value: unknown): unknown {
  const copy = structuredClone(official.model);
  const path = key.split(".");
  let target = copy;
  for (const part of path.slice(0, -1)) target = target[part];
  target[path.at(-1)!] = value;
  return copy;
}

describe("model configuration", () => {
  it("reads the JSON that lies beside the parity cases, wrapped or bare", () => {
    const config = parseModelConfig(official);
    expect(config).toMatchObject({
      name: "unsamv2-mini",
      imageSize: 256,
      trunk: { embedDim: 16, heads: 1, stages: [1, 2, 3, 2], windows: [8, 4, 14, 7], globalBlocks: [4] },
      neck: { width: 256, topDownLevels: [2, 3], fuse: "sum" },
      temperature: 100,
      objectScore: "mlp",
    });
    expect(parseModelConfig(official.model)).toEqual({ ...config, name: "custom" });
  });

  it("fills in what the official YAML leaves out", () => {
    const config = parseModelConfig({
      image_size: 512,
      image_encoder: { trunk: { embed_dim: 96, num_heads: 1 } },
    });
    expect(config.trunk).toMatchObject({
      windows: [8, 4, 14, 7],
      mlpRatio: 4,
      dimMul: 2,
      headMul: 2,
      normEps: 1e-6,
    });
    expect(config.neck).toEqual({ width: 256, topDownLevels: [2, 3], fuse: "sum" });
    expect(config.stability).toEqual({ enabled: true, delta: 0.05, threshold: 0.98 });
  });

  it.each([
    ["image_size", 1000, "image_size"],
    ["image_size", "big", "image_size"],
    ["image_encoder.trunk.stages", [1, 2, 3], "image_encoder.trunk.stages"],
    ["image_encoder.trunk.stages", [1, 65_536, 3, 2], "image_encoder.trunk.stages.1"],
    ["image_encoder.trunk.q_pool", 2, "image_encoder.trunk.q_pool"],
    ["image_encoder.trunk.num_heads", 3, "16 channels for 3 heads"],
    ["image_encoder.trunk.global_att_blocks", [40], "block 40"],
    ["image_encoder.trunk.window_spec", [7, 4, 14, 7], "window_spec[0] is 7"],
    ["image_encoder.neck.backbone_channel_list", [1, 2, 3, 4], "backbone_channel_list"],
    ["image_encoder.neck.fpn_interp_model", "bilinear", "fpn_interp_model"],
    ["use_high_res_features_in_sam", false, "use_high_res_features_in_sam"],
    ["temperature", Number.NaN, "temperature"],
  ])("refuses %s = %j, naming it", (key, value, named) => {
    expect(() => parseModelConfig(changed(key, value))).toThrow(
      expect.objectContaining({ code: "E_BAD_CONFIG", message: expect.stringContaining(named) }),
    );
  });

  it.each([null, 3, "yaml", [], {}, { model: null }])("refuses %j", (json) => {
    expect(() => parseModelConfig(json)).toThrow(expect.objectContaining({ code: "E_BAD_CONFIG" }));
  });
});
