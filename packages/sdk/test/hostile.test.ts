import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { UnSAM, UnSAMError } from "@unsam/sdk";
import { describeWithShared, shared, sharedRoot } from "@unsam/test-support";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const files = sharedRoot
  ? readdirSync(shared("parity", "hostile")).filter((name) => /\.(pt|safetensors)$/.test(name))
  : [];
/** What the hostile pickles would create if they were executed. */
const TRACE = "/tmp/pwned";
/** The promise: an answer within a second. */
const LIMIT_MS = 1000;

describeWithShared("hostile checkpoints", () => {
  // The first load of a process starts its threads and tries the addon out, which is no part of the promise.
  beforeAll(() =>
    UnSAM.load({ model: { checkpoint: shared("parity", "hostile", "empty.pt") } }).catch(() => {}),
  );
  afterAll(() => expect(existsSync(TRACE)).toBe(false));

  it("are all there", () => expect(files.length).toBeGreaterThanOrEqual(22));

  describe.each([true, false])("with a configuration: %s", (configured) => {
    it.each(files)("%s is refused with a sentence that names it", async (name) => {
      const checkpoint = shared("parity", "hostile", name);
      const config = configured ? { config: shared("parity", "unsamv2-mini", "config.json") } : {};
      const started = performance.now();
      const error = await UnSAM.load({ model: { checkpoint, ...config } }).catch((caught) => caught);
      expect(performance.now() - started).toBeLessThan(LIMIT_MS);
      expect(error).toBeInstanceOf(UnSAMError);
      expect(error.code).toBe("E_BAD_CHECKPOINT");
      expect(error.message).toContain(path.basename(name));
    });
  });

  it.each([
    ["missing-tensor.pt", /transformer\.layers\.1\.norm4\.weight .*missing/],
    ["wrong-shape.pt", /gra_token\.weight is \[2, 128\] instead of \[1, 256\]/],
    ["pickle-call.pt", /posix\.system/],
    ["storage-record-absent.pt", /record/],
  ])("%s is refused for the right reason", async (name, reason) => {
    const checkpoint = shared("parity", "hostile", name);
    await expect(UnSAM.load({ model: { checkpoint } })).rejects.toThrow(reason);
  });
});
