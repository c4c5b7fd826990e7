import { describe, expect, it } from "vitest";
import { settlePrecision } from "#core/engine/precision.js";

const on = (set: string) => ({ instructionSet: () => set });

describe("precision", () => {
  it.each([
    ["avx512bf16", "bfloat16"],
    ["amx", "bfloat16"],
    ["avx512", "float32"],
    ["avx2", "float32"],
    ["portable", "float32"],
  ])('"auto" on %s is %s, and says why', (set, precision) => {
    const settled = settlePrecision({ precision: "auto" }, on(set));
    expect(settled.precision).toBe(precision);
    expect(settled.reason).toContain(`(${set})`);
  });

  it('"auto" is float32 on ONNX Runtime, and bfloat16 on a CUDA device', () => {
    expect(settlePrecision({ precision: "auto" }, null).precision).toBe("float32");
    expect(settlePrecision({ precision: "auto", cudaDevice: 0 }, on("avx2")).precision).toBe("bfloat16");
  });

  it.each(["float32", "bfloat16"] as const)("%s is what it says, wherever it runs", (precision) => {
    for (const set of ["portable", "amx"]) {
      expect(settlePrecision({ precision }, on(set)).precision).toBe(precision);
    }
  });
});
