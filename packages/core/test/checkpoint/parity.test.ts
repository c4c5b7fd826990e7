import { describeWithShared, shared } from "@unsam/test-support";
import { expect, test } from "vitest";
import { openCheckpoint } from "#core/checkpoint/index.js";

describeWithShared("the mini model as .pt and as safetensors", () => {
  test("holds the same tensors, bit for bit", async () => {
    await using pt = await openCheckpoint(shared("parity", "unsamv2-mini", "checkpoint.pt"));
    await using copy = await openCheckpoint(
      shared("parity", "unsamv2-mini-safetensors", "checkpoint.safetensors"),
    );
    expect([pt.format, pt.tensors.size]).toEqual(["pt", 441]);
    expect([copy.format, copy.tensors.size]).toEqual(["safetensors", 333]);
    expect(copy.metadata).toEqual({ format: "pt" });
    // The copy keeps some tensors as bfloat16 where that is exact.
    expect(new Set([...copy.tensors.values()].map(({ dtype }) => dtype))).toEqual(
      new Set(["float32", "bfloat16"]),
    );
    for (const [name, { shape }] of copy.tensors) {
      expect(pt.tensors.get(`model.${name}`)).toMatchObject({ shape });
      const [fromPt, fromCopy] = [await pt.read(`model.${name}`), await copy.read(name)];
      expect(fromPt.shape).toEqual(shape);
      expect(Buffer.compare(Buffer.from(fromPt.data.buffer), Buffer.from(fromCopy.data.buffer)), name).toBe(
        0,
      );
    }
    expect([...pt.tensors.keys()].filter((name) => name.includes("lora_A"))).toHaveLength(28);
  });
});
