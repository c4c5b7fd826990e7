import { describeWithShared, shared } from "@unsam/test-support";
import { expect, test } from "vitest";
import { openCheckpoint } from "#core/checkpoint/index.js";

/** What each error must say besides the file's name; these files are well formed and fail in the model check only. */
const reasons: Record<string, RegExp> = {
  "header-too-long.safetensors": /header claims 1099511627776 bytes, but only 80 follow/,
  "header-length-overflow.safetensors": /header claims 18446744073709551608 bytes/,
  "header-not-json.safetensors": /header is malformed/,
  "offsets-overlap.safetensors": /"b".*overlaps/,
  "offsets-out-of-range.safetensors": /"b".*outside/,
  "offsets-reversed.safetensors": /"a" begins at byte 16/,
  "offsets-vs-shape.safetensors": /"a".*\[4096, 4096\].*16 bytes/,
  "shape-overflow.safetensors": /"a".*\[4294967296, 4294967296\]/,
  "too-short.safetensors": /3 bytes/,
};

describeWithShared("hostile checkpoint files", () => {
  test.each(Object.entries(reasons))("%s is refused with its reason", async (file, reason) => {
    const path = shared("parity", "hostile", file);
    await expect(openCheckpoint(path)).rejects.toMatchObject({
      name: "UnSAMError",
      code: "E_BAD_CHECKPOINT",
      message: expect.stringContaining(file),
    });
    await expect(openCheckpoint(path)).rejects.toThrow(reason);
  });
});
