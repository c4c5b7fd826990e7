import { describeWithShared, shared } from "@unsam/test-support";
import { expect, test } from "vitest";
import { openCheckpoint } from "#core/checkpoint/index.js";

describeWithShared("the mini model as .pt and as safetensors", () => {
  test("holds the same tensors, bit for bit", async () => {
    await using pt = await openCheckpoint(shared("parity", "unsamv2-mini", "checkpoint.pt"));
    await using twin = await openCheckpoint(
      shared("parity", "unsamv2-mini-safetensors", "checkpoint.safetensors"),
    );
    expect([pt.format, pt.tensors.size]).toEqual(["pt", 441]);
    expect([twin.format, twin.tensors.size]).toEqual(["safetensors", 333]);
    expect(twin.metadata).toEqual({ format: "pt" });
    // The twin keeps some tensors as bfloat16 where that is exact.
    expect(new Set([...twin.tensors.values()].map(({ dtype }) => dtype))).toEqual(
      new Set(["float32", "bfloat16"]),
    );
    for (const [name, { shape }] of twin.tensors) {
      expect(pt.tensors.get(`model.${name}`)).toMatchObject({ shape });
      const [fromPt, fromTwin] = [await pt.read(`model.${name}`), await twin.read(name)];
      expect(fromPt.shape).toEqual(shape);
      expect(Buffer.compare(Buffer.from(fromPt.data.buffer), Buffer.from(fromTwin.data.buffer)), name).toBe(
        0,
      );
    }
    expect([...pt.tensors.keys()].filter((name) => name.includes("lora_A"))).toHaveLength(28);
  });
});
