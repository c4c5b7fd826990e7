import { describeWithShared, shared } from "@unsam/test-support";
import { describe, expect, it } from "vitest";
import { sentences, unsam } from "./run.js";

describe("unsam doctor", () => {
  it("reports as text and as JSON", async () => {
    const [text, json] = await Promise.all([unsam(["doctor"]), unsam(["doctor", "--json"])]);
    expect([text.code, json.code]).toEqual([0, 0]);
    const { ok, checks } = JSON.parse(json.stdout);
    expect(ok).toBe(true);
    const names = checks.map(({ name }: { name: string }) => name);
    expect(names).toEqual(
      expect.arrayContaining(["node", "processor", "ONNX Runtime", "native addon", "models", "cache"]),
    );
    for (const name of names) expect(text.stdout).toContain(name);
    expect(text.stdout).toContain("UnSAMv2");
  });
});

describe("unsam", () => {
  it("shows help and its version with exit code 0", async () => {
    expect(await unsam(["--help"])).toMatchObject({ code: 0, stderr: "" });
    expect((await unsam(["--version"])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it("refuses an unknown command with exit code 2", async () => {
    expect(await unsam(["fly"])).toMatchObject({ code: 2, stdout: "" });
  });
});

describeWithShared("unsam inspect", () => {
  it("tells what a checkpoint holds", async () => {
    const checkpoint = shared("parity", "unsamv2-mini", "checkpoint.pt");
    const config = shared("parity", "unsamv2-mini", "config.json");
    const { code, stdout } = await unsam(["inspect", checkpoint, "--config", config, "--json"]);
    expect(code).toBe(0);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({ format: "pt", byteLength: 22503104, dtypes: ["float32"], problem: null });
    expect(report.model).toMatch(/UnSAMv2/);
    const named = report.tensors.find(
      ({ name }: { name: string }) => name === "sam_mask_decoder.gra_token.weight",
    );
    expect(named).toMatchObject({ shape: [1, 256] });
  });

  it.each(["pickle-call.pt", "truncated.pt", "header-too-long.safetensors"])("refuses %s", async (name) => {
    const { code, stdout, stderr } = await unsam(["inspect", shared("parity", "hostile", name)]);
    expect([code, stdout]).toEqual([2, ""]);
    expect(sentences(stderr)).toHaveLength(1);
  });
});
