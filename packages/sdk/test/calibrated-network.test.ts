import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { calibrate, EncodedImage, UnSAM } from "@unsam/sdk";
import { describeWithShared, parityFixture, shared } from "@unsam/test-support";
import { afterAll, beforeAll, expect, it } from "vitest";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "unsam-calibration-"));
});
afterAll(() => rm(folder, { recursive: true }));

describeWithShared("calibrating the mini UnSAMv2 model", () => {
  it("fits labels on either decoder, and the calibrated model answers as the plain one at the mapped setting", async () => {
    const reference = parityFixture("unsamv2-mini");
    const model = { checkpoint: reference.path("checkpoint.pt"), config: reference.path("config.json") };
    await using plain = await UnSAM.load({ model });
    const image = await plain.encode(reference.path(reference.images[0].file));
    const prompt = { points: [[60, 50]] as const };
    // What the model itself says at 0.6 is the best label there is for 0.6.
    const wanted = await image.segment({ ...prompt, granularity: 0.6 });
    const calibration = await calibrate(
      [image],
      [{ prompt: { ...prompt, granularity: 0.3 }, mask: wanted.mask }],
    );
    expect(calibration.toModel(0.3)).toBeCloseTo(0.6, 1);
    await using calibrated = await UnSAM.load({ model, calibration });
    const again = await calibrated.encode(reference.path(reference.images[0].file));
    const segment = await again.segment({ ...prompt, granularity: 0.3 });
    expect(segment.granularity).toBe(0.3);
    expect(segment.mask.iou(wanted.mask)).toBeGreaterThan(0.9);
    const file = path.join(folder, "encoded.safetensors");
    await again.save(file);
    await using loaded = await EncodedImage.load(calibrated, file);
    expect((await loaded.segment({ ...prompt, granularity: 0.3 })).mask.iou(segment.mask)).toBeGreaterThan(
      0.98,
    );
  });

  it("is refused on plain SAM 2", async () => {
    const config = parityFixture("sam21-mini").path("config.json");
    const model = { checkpoint: shared("parity", "sam21-mini", "checkpoint.safetensors"), config };
    const calibration = {
      format: "unsam-calibration",
      version: 1,
      knots: [
        [0, 0],
        [1, 1],
      ],
    } as const;
    await expect(UnSAM.load({ model, calibration: calibration as never })).rejects.toMatchObject({
      code: "E_UNSUPPORTED",
    });
  });
});
