import { existsSync, readdirSync } from "node:fs";
import { describeWithShared, shared } from "@unsam/test-support";
import { expect, test } from "vitest";
import { openCheckpoint } from "#core/checkpoint/index.js";

/** What each error must say besides the file's name. */
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
  "empty.pt": /empty/,
  "truncated.pt": /truncated/,
  "truncated-header-only.pt": /truncated/,
  "pickle-call.pt": /posix\.system.*nothing of it was run/,
  "pickle-call-bare.pt": /bare pickle/,
  "pickle-call-legacy.pt": /before version 1\.6/,
  "storage-record-absent.pt": /"archive\/data\/7".*absent/,
  "storage-shorter-than-declared.pt": /1000000000000 elements.*16 bytes/,
  "view-huge-stride.pt":
    /4611686018427387904 in the strides of tensor "model\.sam_mask_decoder\.iou_token\.weight"/,
  "view-negative-offset.pt": /offset -64/,
  "view-out-of-bounds.pt": /beyond its storage of 4 elements/,
};

/** These are sound to the reader: what they lack shows when the model is built. */
const wellFormed = ["missing-tensor.pt", "wrong-shape.pt"];

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

  test.each(wellFormed)("%s opens, for the model check to refuse", async (file) => {
    await using checkpoint = await openCheckpoint(shared("parity", "hostile", file));
    expect(checkpoint.tensors.size).toBeGreaterThan(400);
  });

  test("every file of the folder is covered, and none of them ran anything", () => {
    const files = readdirSync(shared("parity", "hostile")).filter((file) => /\.(pt|safetensors)$/.test(file));
    expect(files.sort()).toEqual([...Object.keys(reasons), ...wellFormed].sort());
    expect(existsSync("/tmp/pwned")).toBe(false);
  });
});
