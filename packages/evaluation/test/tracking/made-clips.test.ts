import { openModel } from "@unsam/core/families";
import { decodeImage } from "@unsam/core/image";
import { Mask } from "@unsam/core/mask";
import { inRepository } from "@unsam/test-support";
import { describe, expect, it } from "vitest";
import { type ClipKind, MadeClip } from "#evaluation/tracking/made-clip.js";
import { type ClipScores, scoreClip } from "#evaluation/tracking/measure.js";

async function clipOf(kind: ClipKind, seed = 3) {
  const photo = await decodeImage(inRepository("docs", "images", "fruit-board.jpg"));
  const { width, height } = photo;
  // An ellipse of fruit, moving over the rest of its photo: what it goes over looks like it.
  const bytes = Uint8Array.from({ length: width * height }, (_, i) => {
    const u = ((i % width) / width - 0.5) / 0.16;
    const v = (Math.floor(i / width) / height - 0.45) / 0.14;
    return u * u + v * v < 1 ? 1 : 0;
  });
  const object = { photo, mask: Mask.fromBytes(width, height, bytes) };
  const plan = { kind, seed, width: 192, height: 144, frames: 9 };
  return new MadeClip({ object, background: photo, occluder: photo }, plan);
}

describe("made clips", () => {
  it("are the same for the same seed, in any order", async () => {
    const [one, other] = [await clipOf("everything"), await clipOf("everything")];
    const late = other.frame(5);
    expect(one.frame(0).truth.area).toBeGreaterThan(500);
    expect(one.frame(5).image.data).toEqual(late.image.data);
    expect(one.frame(5).truth.equals(late.truth)).toBe(true);
    expect((await clipOf("everything", 4)).frame(5).image.data).not.toEqual(late.image.data);
  });

  it("hide the object for a while where something passes it", async () => {
    const clip = await clipOf("occlusion");
    const areas = Array.from({ length: 9 }, (_, at) => clip.frame(at).truth.area);
    expect(Math.min(...areas)).toBe(0);
    expect(areas[8]).toBeGreaterThan(500);
  });

  it("are followed better than by a still mask or by motion alone", async () => {
    await using engine = Object.assign(await openModel("region-tree"), {
      async [Symbol.asyncDispose](this: { dispose(): Promise<void> }) {
        await this.dispose();
      },
    });
    const scores: ClipScores[] = [];
    for (const kind of ["occlusion", "everything"] as const) {
      scores.push(await scoreClip(engine, await clipOf(kind)));
    }
    const mean = (of: "keep" | "flow" | "tracker") =>
      scores.reduce((sum, score) => sum + score[of], 0) / scores.length;
    expect(mean("flow")).toBeGreaterThan(mean("keep") + 0.1);
    expect(mean("tracker")).toBeGreaterThan(mean("flow") + 0.1);
  }, 60_000);
});
