import { describe, expect, it } from "vitest";
import { foldLora, type WeightSource } from "#core/models/index.js";
import type { Tensor } from "#core/tensor.js";
import { largestDifference } from "../support/compare.js";
import { randomValues } from "../support/random.js";

function source(tensors: Record<string, Tensor>): WeightSource {
  return { tensors: new Map(Object.entries(tensors)), read: async (name) => tensors[name] };
}

function random(seed: number, rows: number, columns: number): Tensor {
  return { data: randomValues(rows * columns, seed), shape: [rows, columns] };
}

const pair = { "q.lora_A": random(1, 2, 5), "q.lora_B": random(2, 3, 2) };
const layer = {
  "q.original_layer.weight": random(3, 3, 5),
  "q.original_layer.bias": { data: Float32Array.of(1, 2, 3), shape: [3] },
};

describe("LoRA", () => {
  it("is folded into the weight with the factor two, and its keys vanish", async () => {
    const folded = foldLora(source({ ...layer, ...pair }));
    expect([...folded.tensors.keys()]).toEqual(["q.weight", "q.bias"]);
    const expected = Array.from({ length: 15 }, (_, i) => {
      const [row, column] = [Math.floor(i / 5), i % 5];
      const product = [0, 1].reduce(
        (sum, r) => sum + pair["q.lora_B"].data[row * 2 + r] * pair["q.lora_A"].data[r * 5 + column],
        0,
      );
      return layer["q.original_layer.weight"].data[i] + 2 * product;
    });
    expect(largestDifference((await folded.read("q.weight")).data, expected)).toBeLessThan(2e-7);
    expect([...(await folded.read("q.bias")).data]).toEqual([1, 2, 3]);
  });

  it("changes nothing where there is none", async () => {
    const plain = source({ "a.weight": random(4, 2, 2) });
    const folded = foldLora(plain);
    expect([...folded.tensors.keys()]).toEqual(["a.weight"]);
    expect(await folded.read("a.weight")).toBe(await plain.read("a.weight"));
  });

  it.each([
    ["half a pair", { ...layer, "q.lora_A": pair["q.lora_A"] }, "q.lora_B is missing"],
    ["a pair without its layer", pair, "q.original_layer.weight is missing"],
    ["a pair of other ranks", { ...layer, ...pair, "q.lora_B": random(5, 3, 4) }, "do not fit"],
    ["a layer twice", { ...layer, "q.weight": random(6, 3, 5) }, "both"],
  ])("refuses %s", (_, tensors, sentence) => {
    expect(() => foldLora(source(tensors as Record<string, Tensor>))).toThrow(
      expect.objectContaining({ code: "E_BAD_CHECKPOINT", message: expect.stringContaining(sentence) }),
    );
  });
});
