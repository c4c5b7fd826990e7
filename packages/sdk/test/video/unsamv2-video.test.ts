import { UnSAM } from "@unsam/sdk";
import { describeWithShared } from "@unsam/test-support";
import { expect, it } from "vitest";
import {
  codeOf,
  collect,
  expectedLogits,
  fixture,
  framePaths,
  largestDifference,
  readJson,
  withUnsamCheckpoint,
} from "./video-fixture.js";

const CLICK: [number, number] = [32, 17];

describeWithShared("a video with UnSAMv2", () => {
  it("follows a granularity, which may change at any frame", async () => {
    const config = await readJson<object>("config-unsam.json");
    await withUnsamCheckpoint(async (checkpoint) => {
      await using unsam = await UnSAM.load({ model: { checkpoint, config }, threads: 1 });
      await using video = await unsam.openVideo(framePaths(5));
      const object = video.object({ granularity: 0.2 });
      const first = await object.prompt(0, { points: [[43, 134]] });
      expect(first.granularity).toBe(0.2);
      const [prompted, tracked] = await Promise.all(["u-click-020.0", "u-click-020.1"].map(expectedLogits));
      expect(largestDifference(first.logits.data, prompted)).toBeLessThan(1e-3);
      const same = await collect(video);
      same.forEach(({ logits }, i) => {
        const expected = tracked.subarray(i * 4096, (i + 1) * 4096);
        expect(largestDifference(logits.get(1)!, expected)).toBeLessThan(0.1);
      });
      const seen: (number | null)[] = [];
      for await (const { frame, objects } of video.track()) {
        const answer = objects.get(object)!;
        seen.push(answer.granularity);
        if (frame < 3) expect(answer.logits.data).toEqual(same[frame].logits.get(1));
        else expect(answer.logits.data).not.toEqual(same[frame].logits.get(1));
        if (frame === 2) object.granularity = "coarse";
      }
      expect(seen).toEqual([0.2, 0.2, 0.2, 1, 1]);
      expect(() => {
        object.granularity = "auto";
      }).toThrow(expect.objectContaining({ code: "E_BAD_PROMPT" }));
    });
  });

  it("ends with its model", async () => {
    const config = await readJson<object>("config.json");
    const unsam = await UnSAM.load({
      model: { checkpoint: fixture("checkpoint.safetensors"), config },
      threads: 1,
    });
    const video = await unsam.openVideo(framePaths(4));
    await video.object().prompt(0, { points: [CLICK] });
    const running = codeOf(collect(video));
    await unsam.dispose();
    expect(await running).toBe("E_DISPOSED");
    expect(await codeOf(unsam.openVideo(framePaths(1)))).toBe("E_DISPOSED");
  });
});
