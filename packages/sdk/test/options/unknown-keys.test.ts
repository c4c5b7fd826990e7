import path from "node:path";
import {
  Calibration,
  calibrate,
  EncodedImage,
  inspectCheckpoint,
  readCalibrationTargets,
  regionStatistics,
  SceneHierarchy,
} from "@unsam/sdk";
import { describe, expect, it } from "vitest";
import { board, CLICK, fixture, useModels } from "./models.js";

const models = useModels(["region-tree"]);
const { loaded } = models;

describe("keys that do not exist", () => {
  const { signal } = new AbortController();
  const bad = { code: "E_BAD_OPTION", message: expect.stringContaining('there is no option "sginal"') };
  const wrong = { sginal: signal } as never;

  it("are refused by everything that takes options", async () => {
    const { unsam, image } = loaded.get("region-tree")!;
    const made = await image.everything({ granularity: 0.5 });
    const segment = await image.segment(CLICK);
    const ladder = await image.ladder(CLICK, { levels: 2 });
    const logits = { count: 1, width: 2, height: 2, data: new Float32Array(4) };
    const calls: Record<string, () => unknown> = {
      encode: () => unsam.encode(board, wrong),
      encodeAll: () => unsam.encodeAll([board], wrong),
      segment: () => image.segment(CLICK, wrong),
      segmentAll: () => image.segmentAll([CLICK], wrong),
      ladder: () => image.ladder(CLICK, wrong),
      everything: () => image.everything(wrong),
      generateMasks: () => image.generateMasks(wrong),
      finer: () => segment.finer(wrong),
      coarser: () => segment.coarser(wrong),
      overlay: () => segment.overlay(wrong),
      toSheet: () => ladder.toSheet(wrong),
      sceneOverlay: () => made.overlay(wrong),
      toCOCO: () => made.toCOCO(wrong),
      merge: () => made.merge(made, wrong),
      save: () => made.save(path.join(models.folder, "scene.json"), wrong),
      loadImage: () => EncodedImage.load(unsam, path.join(models.folder, "image"), wrong),
      load: () => SceneHierarchy.load(path.join(models.folder, "scene.json"), wrong),
      fromLogits: () => SceneHierarchy.fromLogits(logits, { scores: [1], granularities: [1] }, wrong),
      calibrate: () => calibrate([image], { medianRegionArea: 0.1 }, wrong),
      regionStatistics: () => regionStatistics([image], 0.5, wrong),
      readCalibration: () => Calibration.read(path.join(models.folder, "calibration.json"), wrong),
      readTargets: () => readCalibrationTargets(path.join(models.folder, "targets.json"), wrong),
      inspect: () => inspectCheckpoint(path.join(fixture, "checkpoint.safetensors"), wrong),
    };
    for (const [name, call] of Object.entries(calls)) {
      const error = await Promise.resolve()
        .then(call)
        .catch((caught) => caught);
      expect(error, name).toMatchObject(bad);
    }
  });

  it("are refused in prompts", async () => {
    const { image } = loaded.get("region-tree")!;
    for (const [prompt, message] of [
      [{ point: [[1, 1]] }, /A prompt has no "point"; it has points, box, mask, granularity/],
      [{ points: [{ x: 1, y: 1, lable: 0 }] }, /Point 0 has no "lable"; it has x, y, label/],
    ] as const) {
      await expect(image.segment(prompt as never)).rejects.toMatchObject({
        code: "E_BAD_PROMPT",
        message: expect.stringMatching(message),
      });
    }
    await expect(image.ladder({ ...CLICK, granularity: 0.5 })).rejects.toMatchObject({
      code: "E_BAD_PROMPT",
      message: expect.stringMatching(/leave granularity out of the prompt/),
    });
  });

  it("are refused in the goals of a calibration, and so is a grid where labels name their clicks", async () => {
    const { image } = loaded.get("region-tree")!;
    await expect(calibrate([image], { medianArea: 0.1 } as never)).rejects.toMatchObject({
      code: "E_BAD_OPTION",
      message: expect.stringContaining('there is no option "medianArea"'),
    });
    const mask = (await image.segment(CLICK)).mask;
    await expect(calibrate([image], [{ prompt: CLICK, mask }], { pointsPerSide: 8 })).rejects.toMatchObject({
      code: "E_BAD_OPTION",
      message: expect.stringContaining("leave it out"),
    });
  });

  it("options that are no object are refused", async () => {
    const { image } = loaded.get("region-tree")!;
    for (const options of ["fast", 3, null, [1]]) {
      await expect(image.segment(CLICK, options as never)).rejects.toMatchObject({ code: "E_BAD_OPTION" });
    }
  });
});
