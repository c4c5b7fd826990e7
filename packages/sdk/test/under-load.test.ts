import { photosInFlight } from "@unsam/core/admission";
import { type LoadOptions, UnSAM } from "@unsam/sdk";
import sharp from "sharp";
import { describe, expect, it } from "vitest";

function raw(side: number, height = side) {
  const data = new Uint8Array(3 * side * height).fill(90);
  // A light stripe, so that there is something to find.
  data.fill(200, 0, data.length / 3);
  return { data, width: side, height, channels: 3 } as const;
}

const settled = (results: readonly PromiseSettledResult<unknown>[]) =>
  results.map((result) =>
    result.status === "fulfilled" ? "done" : (result.reason.code ?? result.reason.message),
  );

describe("pixels in flight", { timeout: 120_000 }, () => {
  it("are bounded, and nothing of them stays behind", async () => {
    await using unsam = await UnSAM.load({ model: "region-tree", maxPixelsInFlight: 6_700 });
    const png = await sharp(raw(60).data, { raw: { width: 60, height: 60, channels: 3 } })
      .png()
      .toBuffer();
    const photos = [png, raw(60), sharp(png), sharp(png).resize(33), raw(60), png, raw(80)];
    const seen: number[] = [];
    const watch = setInterval(() => seen.push(photosInFlight.inFlight), 1);
    const images = await Promise.all(photos.map((photo) => unsam.encode(photo)));
    clearInterval(watch);
    expect(images.map(({ width }) => width)).toEqual([60, 60, 60, 33, 60, 60, 80]);
    expect(Math.max(...seen)).toBeGreaterThan(0);
    expect(photosInFlight.peak).toBeLessThanOrEqual(6_700);
    expect(photosInFlight.inFlight).toBe(0);
  });

  it("let a photo in that is larger than the bound, and say no to one that is larger than maxPixels", async () => {
    await using unsam = await UnSAM.load({ model: "region-tree", maxPixelsInFlight: 100 });
    const encodes = [
      unsam.encode(raw(40)),
      unsam.encode(raw(50), { maxPixels: 2000 }),
      unsam.encode(raw(30)),
    ];
    expect(settled(await Promise.allSettled(encodes))).toEqual(["done", "E_BAD_IMAGE", "done"]);
    expect(photosInFlight.inFlight).toBe(0);
  });

  it("are given back by photos that fail, are aborted or outlive their model", async () => {
    const unsam = await UnSAM.load({ model: "region-tree", maxPixelsInFlight: 11_500 });
    const abort = new AbortController();
    const whole = await sharp(raw(60).data, { raw: { width: 60, height: 60, channels: 3 } })
      .png()
      .toBuffer();
    const damaged = whole.subarray(0, whole.length / 2);
    const encodes = [
      unsam.encode(damaged),
      unsam.encode(Buffer.from("no photo")),
      unsam.encode("no-such-file.jpg"),
      unsam.encode(raw(100)),
      unsam.encode(raw(100), { signal: abort.signal }),
    ];
    setTimeout(() => abort.abort(new Error("enough")), 5);
    expect(settled(await Promise.allSettled(encodes))).toEqual([
      "E_BAD_IMAGE",
      "E_BAD_IMAGE",
      "E_BAD_IMAGE",
      "done",
      "enough",
    ]);
    const waiting = Array.from({ length: 5 }, () => unsam.encode(raw(100)));
    const outcome = Promise.allSettled(waiting);
    await unsam.dispose();
    expect(settled(await outcome)).toEqual(Array(5).fill("E_DISPOSED"));
    expect(photosInFlight.inFlight).toBe(0);
    await expect(unsam.encode(raw(10))).rejects.toMatchObject({ code: "E_DISPOSED" });
  });

  it("include those of crops", async () => {
    await using unsam = await UnSAM.load({ model: "region-tree", maxPixelsInFlight: 9_000 });
    const image = await unsam.encode(raw(90));
    const seen: number[] = [];
    const watch = setInterval(() => seen.push(photosInFlight.inFlight), 1);
    await image.everything({ prompting: "grid", pointsPerSide: 4, cropLayers: 1 });
    clearInterval(watch);
    expect(Math.max(...seen)).toBeGreaterThan(0);
    expect(photosInFlight.inFlight).toBe(0);
  });

  it.each([0, -1, Number.NaN, "many"])("cannot be bounded by %s", async (maxPixelsInFlight) => {
    await expect(
      UnSAM.load({ model: "region-tree", maxPixelsInFlight } as LoadOptions),
    ).rejects.toMatchObject({
      code: "E_BAD_OPTION",
    });
  });
});

describe("a click", { timeout: 120_000 }, () => {
  it("and a dispose come before encodes that were asked for earlier", async () => {
    await using unsam = await UnSAM.load({ model: "region-tree", threads: 1 });
    const image = await unsam.encode(raw(60));
    const order: string[] = [];
    const encodes = Array.from({ length: 12 }, async (_, i) => {
      const other = await unsam.encode(raw(90));
      order.push(`encode ${i}`);
      await other.dispose();
    });
    await encodes[0];
    await image.segment({ points: [[30, 40]], granularity: 0.5 });
    order.push("click");
    await image.ladder({ points: [[30, 40]] });
    order.push("ladder");
    await image.dispose();
    order.push("dispose");
    await Promise.all(encodes);
    expect(order.filter((name) => !name.startsWith("encode"))).toEqual(["click", "ladder", "dispose"]);
    expect(order.indexOf("dispose")).toBeLessThan(11);
  });

  it("does not keep encodes from going on, however many there are", async () => {
    await using unsam = await UnSAM.load({ model: "region-tree" });
    const image = await unsam.encode(raw(100));
    let isDone = false;
    const stream = async () => {
      while (!isDone) await image.segment({ points: [[50, 50]], granularity: 0.5 });
    };
    const streams = [stream(), stream(), stream()];
    const encoded = await unsam.encode(raw(80));
    const scene = await encoded.everything();
    isDone = true;
    await Promise.all(streams);
    expect(scene.masks.length).toBeGreaterThan(0);
  });
});
