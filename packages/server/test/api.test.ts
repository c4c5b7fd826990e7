import { Mask } from "@unsam/sdk";
import { type EverythingEvent, type Prompt, ServiceFailure } from "@unsam/server/client";
import { inRepository } from "@unsam/test-support";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { metric, photo, type Running, start } from "./server.js";

let running: Running;
let id: string;
beforeAll(async () => {
  running = await start();
  id = (await running.client.addImage(await photo())).id;
});
afterAll(() => running.app.close());

const click = { points: [[20, 20]], granularity: 0.5 };

/** The pixels of a rectangle of the photo, which its run lengths say: columns of 72 pixels, one after the other. */
function rectangle(x0: number, y0: number, x1: number, y1: number): Mask {
  const bytes = Array.from({ length: 96 * 72 }, (_, i) => {
    const [x, y] = [Math.floor(i / 72), i % 72];
    return x >= x0 && x < x1 && y >= y0 && y < y1;
  });
  const counts = [0];
  bytes.forEach((bit, i) => {
    if (bit !== (i === 0 ? false : bytes[i - 1])) counts.push(0);
    counts[counts.length - 1]++;
  });
  return Mask.fromRLE({ size: [72, 96], counts });
}

/** What a call is refused with. */
async function refusal(call: Promise<unknown>): Promise<[number, string]> {
  const problem = await call.then(
    () => null,
    (why: unknown) => why,
  );
  if (!(problem instanceof ServiceFailure)) throw problem;
  return [problem.status, problem.code];
}

describe("the service", () => {
  it("answers clicks with masks of the photo's size that hold what was clicked on", async () => {
    const { image, segments } = await running.client.segment(id, {
      prompts: [click, { box: [60, 10, 94, 50] }],
    });
    expect([image.width, image.height, segments.length]).toEqual([96, 72, 2]);
    for (const [segment, x, y] of [
      [segments[0], 20, 20],
      [segments[1], 71, 30],
    ] as const) {
      const mask = Mask.fromRLE(segment.rle);
      expect([mask.width, mask.height, mask.area]).toEqual([96, 72, segment.area]);
      expect(mask.has(x, y)).toBe(true);
      expect(mask.bbox).toEqual(segment.bbox);
    }
    // The red rectangle of the photo, but for a pixel of its corners.
    const red = rectangle(10, 10, 40, 50);
    expect(Mask.fromRLE(segments[0].rle).iou(red)).toBeGreaterThan(0.99);
  });

  it("answers one prompt as PNG, with the pixels of its run lengths", async () => {
    const png = await running.client.segmentPNG(id, { prompts: [click] });
    const { data, info } = await sharp(png).greyscale().raw().toBuffer({ resolveWithObject: true });
    const { segments } = await running.client.segment(id, { prompts: [click] });
    const mask = Mask.fromRLE(segments[0].rle);
    expect([info.width, info.height]).toEqual([96, 72]);
    expect(Buffer.compare(data, Buffer.from(mask.toBytes(255)))).toBe(0);
  });

  it("takes its own masks as prompts", async () => {
    const { segments } = await running.client.segment(id, { prompts: [click] });
    const again = await running.client.segment(id, {
      prompts: [{ mask: segments[0].rle, granularity: 0.5 }],
    });
    expect(again.segments[0].area).toBe(segments[0].area);
    const wrong = { size: [72, 95] as [number, number], counts: segments[0].rle.counts };
    expect(await refusal(running.client.segment(id, { prompts: [{ mask: wrong }] }))).toEqual([
      422,
      "E_BAD_REQUEST",
    ]);
  });

  it("gives the scales of a prompt, of which one is the stable one", async () => {
    const { levels, scales } = await running.client.ladder(id, { points: [[20, 20]], levels: 5 });
    expect(levels).toEqual([0.1, 0.325, 0.55, 0.775, 1]);
    expect(scales.flatMap((scale) => scale.levels)).toEqual(levels);
    expect(scales.filter(({ isStable }) => isStable)).toHaveLength(1);
  });

  it("streams everything: what is found, then the scene, mask by mask", async () => {
    const events: EverythingEvent[] = [];
    for await (const event of running.client.everything(id)) events.push(event);
    const kinds = events.map(({ type }) => type);
    const scene = events.find((event) => event.type === "scene");
    const masks = events.filter((event) => event.type === "mask");
    expect(kinds[0]).toBe("found");
    expect(kinds.at(-1)).toBe("end");
    expect(masks).toHaveLength(scene?.masks ?? -1);
    expect(masks.length).toBeGreaterThanOrEqual(3);
    for (const { parent } of masks) if (parent !== null) expect(masks[parent].id).toBe(parent);
  });

  it("streams the same as server-sent events", async () => {
    const response = await fetch(`${running.address}/v1/images/${id}/everything`, {
      method: "POST",
      headers: { accept: "text/event-stream", "content-type": "application/json" },
      body: JSON.stringify({ partial: false }),
    });
    expect(response.headers.get("content-type")).toContain("text/event-stream");
    const parts = (await response.text()).trimEnd().split("\n\n");
    for (const part of parts) expect(part).toMatch(/^event: (found|scene|mask|end)\ndata: \{.*\}$/);
    expect(parts.at(-1)).toBe('event: end\ndata: {"type":"end"}');
  });

  it("takes a photo and its prompts in one go, and encodes no photo twice", async () => {
    const lookups = async () =>
      metric(await running.client.metrics(), 'unsam_stage_seconds_count{stage="encode"}');
    const before = await lookups();
    const bytes = await photo(33);
    const answers = await Promise.all([
      running.client.addImage(bytes),
      running.client.addImage(bytes),
      running.client.segmentPhoto(bytes, { prompts: [click] }).then(({ image }) => image),
    ]);
    expect(new Set(answers.map((one) => one.id)).size).toBe(1);
    expect(await lookups()).toBe(before + 1);
  });

  it("goes on encoding a photo where only one of those who sent it hangs up", async () => {
    const bytes = await photo(34, 600, 400);
    const gone = new AbortController();
    const first = running.client.addImage(bytes, { signal: gone.signal });
    const second = running.client.addImage(bytes);
    setTimeout(() => gone.abort(), 20);
    await Promise.allSettled([first]);
    expect((await second).width).toBe(600);
  });

  it("forgets an image", async () => {
    const { id: other } = await running.client.addImage(await photo(35));
    await running.client.deleteImage(other);
    expect(await refusal(running.client.deleteImage(other))).toEqual([404, "E_NO_IMAGE"]);
    expect(await refusal(running.client.segment(other, { prompts: [click] }))).toEqual([404, "E_NO_IMAGE"]);
  });

  it("says what is wrong with a request, and keeps nothing of it", async () => {
    const { client, address } = running;
    expect(await refusal(client.segment(id, { prompts: [{ points: [[1e6, 5]] }] }))).toEqual([
      422,
      "E_BAD_PROMPT",
    ]);
    expect(await refusal(client.segment(id, { prompts: [] }))).toEqual([400, "E_BAD_REQUEST"]);
    // No number is made of a text, and no misspelt key is dropped.
    const wrong: unknown[] = [{ points: "here" }, { points: [["20", "20"]] }, { pionts: [[20, 20]] }];
    for (const prompt of wrong) {
      const call = client.segment(id, { prompts: [prompt as Prompt] });
      expect(await refusal(call)).toEqual([400, "E_BAD_REQUEST"]);
    }
    expect(await refusal(client.addImage(Buffer.from("no photo")))).toEqual([422, "E_BAD_IMAGE"]);
    expect(await refusal(client.addImage({ url: "https://example.com/a.png" }))).toEqual([422, "E_URL"]);
    expect(await refusal(client.everything(id, { pointsPerSide: 8 }).next())).toEqual([422, "E_BAD_OPTION"]);
    const nowhere = await fetch(`${address}/nowhere`);
    expect([nowhere.status, Object.keys((await nowhere.json()) as object)]).toEqual([404, ["error"]]);
    expect(metric(await client.metrics(), 'unsam_bytes{what="uploads"}')).toBe(0);
    expect(metric(await client.metrics(), 'unsam_bytes{what="masks"}')).toBe(0);
  });

  it("names a checkpoint without the folder it lies in, in errors, too", async () => {
    const folder = inRepository("packages", "core", "fixtures", "unsamv2-mini");
    const [checkpoint, config] = ["checkpoint.safetensors", "config.json"].map((name) => `${folder}/${name}`);
    const { app, client } = await start({ load: { model: { checkpoint, config } } });
    try {
      expect((await client.models()).models[0].name).toBe("checkpoint.safetensors");
      const { id: own } = await client.addImage(await photo());
      const call = client.everything(own, { prompting: "regions" }).next();
      await expect(call).rejects.toThrow(
        'prompting is "regions", but checkpoint.safetensors is no hierarchy of regions',
      );
    } finally {
      await app.close();
    }
  });

  it("tells of its model, its state and itself", async () => {
    const { models } = await running.client.models();
    expect(models.map(({ name }) => name)).toEqual(["region-tree"]);
    expect(await running.client.ready()).toEqual({ status: "ready" });
    const page = await fetch(`${running.address}/docs`);
    const text = await page.text();
    expect(text).toContain("/v1/images/{id}/segment");
    // It loads nothing, from here or elsewhere.
    expect(text).not.toMatch(/<(script|img|link|iframe)|src=|https?:\/\//);
  });
});
