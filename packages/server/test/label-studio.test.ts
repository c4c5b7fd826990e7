import { readFile } from "node:fs/promises";
import { decodeBrush } from "@unsam/core/annotations";
import { Mask, type PromptInput } from "@unsam/sdk";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  ACCESS_TOKEN,
  API_KEY,
  CONFIG,
  type FakeLabelStudio,
  FRUIT,
  keypoint,
  PERSONAL_KEY,
  predictRequest,
  rectangle,
  startLabelStudio,
} from "./label-studio.js";
import { photo, type Running, start } from "./server.js";

const UPLOADED = "/data/upload/3/photo.png";
const TOKEN = "a-token-of-sixteen-or-more";

interface Region {
  readonly value: { readonly rle: number[]; readonly brushlabels: string[] };
  readonly original_width: number;
  readonly original_height: number;
  readonly [key: string]: unknown;
}

let studio: FakeLabelStudio;
let running: Running;
beforeAll(async () => {
  studio = await startLabelStudio();
  running = await start({ labelStudio: { url: studio.url, apiKey: API_KEY } });
});
beforeEach(() => {
  studio.asked.length = 0;
  studio.redirects.clear();
});
afterAll(async () => {
  await running.app.close();
  await studio.close();
});

async function ask(
  path: string,
  body: unknown,
  { address, headers = {} }: { address: string; headers?: Record<string, string> } = running,
) {
  const response = await fetch(`${address}/label-studio/${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  // biome-ignore lint/suspicious/noExplicitAny: the answers of several routes
  return { status: response.status, body: (await response.json()) as any };
}

async function regionsOf(request: unknown): Promise<Region[]> {
  const { status, body } = await ask("predict", request);
  expect(body).not.toHaveProperty("error");
  expect([status, body.results.length]).toEqual([200, 1]);
  return body.results[0].result;
}

/** The pixels of a brush mask, by the reader of Label Studio's files. */
function maskOf({ value, original_width: width, original_height: height }: Region): Mask {
  const words = new Uint32Array(Math.ceil(width / 32) * height);
  decodeBrush(Uint8Array.from(value.rle), { width, height }, words, "The mask");
  return new Mask(width, height, words);
}

/** What the SDK answers for the same photo. */
async function bySDK(prompt: PromptInput): Promise<Mask> {
  await using image = await running.app.unsam.unsam.encode(await photo());
  return (await image.segment(prompt)).mask;
}

describe("the Label Studio backend", () => {
  it("is healthy, takes a labelling config, and lets events pass", async () => {
    const health = await fetch(`${running.address}/label-studio/health`);
    expect([health.status, await health.json()]).toEqual([200, { status: "UP", model_class: "UnSAM" }]);
    const setup = await ask("setup", {
      project: "3.1712826860",
      schema: CONFIG,
      hostname: "http://169.254.169.254",
      access_token: "another key",
      extra_params: null,
    });
    expect(setup).toEqual({
      status: 200,
      body: { model_version: expect.stringMatching(/^unsam region-tree /) },
    });
    expect(await ask("webhook", { action: "ANNOTATION_CREATED", project: { id: 3 } })).toEqual({
      status: 200,
      body: { status: "ok" },
    });
    // What the request names is not where anything is asked for.
    expect(studio.asked).toEqual([]);
  });

  it("answers a recorded click with a brush mask that equals the SDK's in every pixel", async () => {
    const [region, ...more] = await regionsOf(predictRequest(UPLOADED, [keypoint(20, 20)]));
    expect(more).toEqual([]);
    expect(region).toMatchObject({
      type: "brushlabels",
      from_name: "tag",
      to_name: "image",
      original_width: 96,
      original_height: 72,
      image_rotation: 0,
      value: { format: "rle", brushlabels: ["Orange"] },
    });
    const expected = await bySDK({ points: [[20, 20]], granularity: "auto" });
    expect(expected.area).toBeGreaterThan(1000);
    expect(maskOf(region).words).toEqual(expected.words);
  });

  it("understands background points and rectangles, also turned ones, each of several", async () => {
    const points = [keypoint(20, 20), keypoint(5, 5, false)];
    const [withBackground] = await regionsOf(predictRequest(UPLOADED, points));
    const prompt = {
      points: [
        [20, 20],
        [5, 5, 0],
      ],
      granularity: "auto",
    } as PromptInput;
    expect(maskOf(withBackground).words).toEqual((await bySDK(prompt)).words);

    const [boxed] = await regionsOf(predictRequest(UPLOADED, [rectangle(60, 12, 84, 48)]));
    expect(boxed.value.brushlabels).toEqual(["Banana"]);
    const box = await bySDK({ box: [60, 12, 84, 48], granularity: "auto" });
    expect(box.area).toBeGreaterThan(300);
    expect(maskOf(boxed).words).toEqual(box.words);

    // A quarter turn about its upper left corner, (84, 12): it covers the same pixels.
    const [turned] = await regionsOf(predictRequest(UPLOADED, [rectangle(84, 12, 120, 36, 90)]));
    expect(maskOf(turned).iou(box)).toBeGreaterThan(0.95);

    const two = await regionsOf(
      predictRequest(UPLOADED, [rectangle(60, 12, 84, 48), rectangle(8, 8, 42, 52)]),
    );
    const red = await bySDK({ box: [8, 8, 42, 52], granularity: "auto" });
    expect(two.map((one) => maskOf(one).area)).toEqual([box.area, red.area]);
    expect(two[0].id).not.toBe(two[1].id);
  });

  it("paints the regions of a photo on which nobody clicked, the largest first", async () => {
    const regions = await regionsOf(predictRequest(UPLOADED));
    await using image = await running.app.unsam.unsam.encode(await photo());
    const scene = await image.everything();
    const expected = scene.masks
      .filter(({ range: [from, until] }) => from <= 0.5 && 0.5 < until)
      .sort((a, b) => b.area - a.area);
    expect(expected.length).toBeGreaterThan(1);
    expect(regions.map((one) => maskOf(one).words)).toEqual(expected.map(({ mask }) => mask.words));
    expect(new Set(regions.map(({ value }) => value.brushlabels[0]))).toEqual(new Set(["Banana"]));
  });

  it("takes the granularity from the context, a draft, or the labelling config", async () => {
    const fruit = "/data/upload/3/fruit.jpg";
    const click = keypoint((96 * 323.5) / 512, (72 * 123.5) / 341);
    const request = predictRequest(fruit, [click]);
    const areaWith = async (changed: object) => {
      const [region] = await regionsOf({ ...request, ...changed });
      return maskOf(region).area;
    };
    await using image = await running.app.unsam.unsam.encode(await readFile(FRUIT));
    const areaAt = async (granularity: number) =>
      (await image.segment({ points: [[323.5, 123.5]], granularity })).mask.area;
    const [fine, coarse] = [await areaAt(0), await areaAt(1)];
    expect(fine).toBeLessThan(coarse);
    const withAttribute = (value: string) => ({
      label_config: CONFIG.replace(
        '<BrushLabels name="tag"',
        `<BrushLabels model_granularity="${value}" name="tag"`,
      ),
    });
    expect(await areaWith(withAttribute("0"))).toBe(fine);
    expect(await areaWith(withAttribute("1"))).toBe(coarse);
    const choice = { from_name: "granularity", to_name: "image", type: "choices", value: { choices: ["1"] } };
    const number = { from_name: "granularity", to_name: "image", type: "number", value: { number: 0 } };
    const { tasks } = predictRequest(fruit, [], { drafts: [{ result: [number] }, { result: [choice] }] });
    expect(await areaWith({ tasks, ...withAttribute("0") })).toBe(coarse);
    const params = { context: { result: [click, number] } };
    expect(await areaWith({ tasks, params })).toBe(fine);
    expect(await ask("predict", { ...request, ...withAttribute("2") })).toMatchObject({ status: 422 });
  });

  it("fetches a photo once for all clicks on it, and answers tasks one behind the other", async () => {
    const address = "/data/upload/3/once.png";
    for (const x of [20, 25, 30]) await regionsOf(predictRequest(address, [keypoint(x, 20)]));
    expect(studio.asked).toEqual([`GET ${address} Token ${API_KEY}`]);
    const { tasks, ...rest } = predictRequest(address);
    const both = { ...rest, tasks: [...tasks, ...predictRequest("/data/local-files/?d=a.png").tasks] };
    expect((await ask("predict", both)).body.results).toHaveLength(2);
    const drawn = { ...both, params: { context: { result: [keypoint(1, 1)] } } };
    expect(await ask("predict", drawn)).toMatchObject({ status: 422 });
  });
});

describe("who may ask the backend, and for what", () => {
  it("takes a token as the password that Label Studio sends, on these routes only", async () => {
    const guarded = await start(
      { tokens: [TOKEN], labelStudio: { url: studio.url, apiKey: API_KEY } },
      TOKEN,
    );
    const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString("base64")}` });
    const status = async (headers: Record<string, string>) =>
      (await ask("predict", predictRequest(UPLOADED, [keypoint(20, 20)]), { ...guarded, headers })).status;
    expect(await status({})).toBe(401);
    for (const wrong of [`user:${TOKEN}x`, `${TOKEN}:`, `${TOKEN}`, "user:", ":", ""]) {
      expect(await status(basic(wrong)), wrong).toBe(401);
    }
    expect(await status({ authorization: "Basic %%%" })).toBe(401);
    expect(await status(basic(`label-studio:${TOKEN}`))).toBe(200);
    expect(await status({ authorization: `Bearer ${TOKEN}` })).toBe(200);
    const models = await fetch(`${guarded.address}/v1/models`, { headers: basic(`user:${TOKEN}`) });
    expect(models.status).toBe(401);
    await guarded.app.close();
  });

  it("buys an access token for a personal one, once", async () => {
    const personal = await start({ labelStudio: { url: studio.url, apiKey: PERSONAL_KEY } });
    for (const name of ["a", "b"]) {
      const request = predictRequest(`/data/upload/3/${name}.png`, [keypoint(20, 20)]);
      expect((await ask("predict", request, personal)).status).toBe(200);
    }
    expect(studio.asked).toEqual([
      "POST /api/token/refresh/ -",
      `GET /data/upload/3/a.png Bearer ${ACCESS_TOKEN}`,
      `GET /data/upload/3/b.png Bearer ${ACCESS_TOKEN}`,
    ]);
    await personal.app.close();
  });

  it("asks for photos of Label Studio and of allowed hosts, and for nothing else", async () => {
    const port = new URL(studio.url).port;
    const other = await startLabelStudio();
    const refused = [
      "/api/users/",
      "/data/../api/users/",
      "/data/%2e%2e/api/users/",
      "/user/logout",
      "/tasks/x/presign/?fileuri=a",
      "//127.0.0.1/data/a.png",
      "data/a.png",
      "file:///etc/passwd",
      "",
      null,
      7,
      { url: UPLOADED },
      `${studio.url}/api/users/`,
      `http://user:password@127.0.0.1:${port}${UPLOADED}`,
      `${other.url}${UPLOADED}`,
      "http://2130706433/a.png",
      "http://[::1]/a.png",
      "http://169.254.169.254/latest/meta-data/",
      `http://localhost:${port}${UPLOADED}`,
    ];
    for (const address of refused) {
      const answer = await ask("predict", predictRequest(address, [keypoint(20, 20)]));
      expect(answer, String(address)).toMatchObject({ status: 422, body: { error: { code: "E_URL" } } });
    }
    expect([...studio.asked, ...other.asked]).toEqual([]);
    expect((await regionsOf(predictRequest(`${studio.url}${UPLOADED}?a`, [keypoint(20, 20)]))).length).toBe(
      1,
    );

    // Label Studio leads on to another host: it is asked only where it is allowed, and never with the key.
    const lead = "/data/upload/3/lead.png";
    for (const location of [`${other.url}/photo.png`, "http://10.0.0.1/", "/api/users/", "/user/logout"]) {
      studio.redirects.set(lead, location);
      const answer = await ask("predict", predictRequest(lead, [keypoint(20, 20)]));
      expect(answer, location).toMatchObject({ status: 422, body: { error: { code: "E_URL" } } });
    }
    expect(other.asked).toEqual([]);
    const uri = Buffer.from("s3://bucket/ü.png").toString("base64").replaceAll("+", "-").replaceAll("/", "_");
    await regionsOf(predictRequest("s3://bucket/ü.png", [keypoint(20, 20)]));
    expect(studio.asked.at(-1)).toBe(
      `GET /tasks/6/presign/?fileuri=${encodeURIComponent(uri)} Token ${API_KEY}`,
    );
    expect(JSON.stringify(await ask("predict", predictRequest("/data/upload/3/lead.png", [])))).not.toContain(
      API_KEY,
    );
    await other.close();
  });

  it.each([
    ["a document type", `<!DOCTYPE a [<!ENTITY b "${"c".repeat(1000)}">]><View>&b;</View>`],
    ["elements without end", "<View>".repeat(10_000)],
    ["nesting", `${"<View>".repeat(100)}${CONFIG}${"</View>".repeat(100)}`],
    ["no XML", "\0\u0001{}"],
    ["nothing", ""],
    ["no brush", '<View><Image name="image" value="$image"/></View>'],
    ["a brush for a text", CONFIG.replace("<Image", "<Text")],
    ["a photo without a key", CONFIG.replace('value="$image"', 'value="image"')],
    ["a brush for __proto__", CONFIG.replace('name="tag" toName="image"', 'name="tag" toName="__proto__"')],
  ])("refuses a labelling config with %s", async (_, config) => {
    const request = { ...predictRequest(UPLOADED, [keypoint(20, 20)]), label_config: config };
    for (const answer of [await ask("predict", request), await ask("setup", { schema: config })]) {
      expect(answer.status).toBe(422);
      expect(answer.body.error.message).toMatch(/The labelling config/);
    }
  });

  it("refuses what is too much, turned or malformed, and lives on", async () => {
    const click = [keypoint(20, 20)];
    const long = { ...predictRequest(UPLOADED, click), label_config: CONFIG + " ".repeat(2 ** 18) };
    expect((await ask("predict", long)).status).toBe(400);
    const proto = {
      ...predictRequest(UPLOADED, click),
      label_config: CONFIG.replace("$image", "$__proto__"),
    };
    expect(await ask("predict", proto)).toMatchObject({ status: 422, body: { error: { code: "E_URL" } } });
    const many = { ...predictRequest(UPLOADED), tasks: Array(257).fill({ data: {} }) };
    expect((await ask("predict", many)).status).toBe(400);
    const turned = predictRequest(UPLOADED, [{ ...keypoint(20, 20), image_rotation: 90 }]);
    expect((await ask("predict", turned)).body.error.message).toContain("turned by 90°");
    const wild = [keypoint(Number.NaN, 0), { type: "keypointlabels" }, { type: "keypointlabels", value: {} }];
    for (const one of wild) expect((await ask("predict", predictRequest(UPLOADED, [one]))).status).toBe(422);
    const brush = predictRequest(UPLOADED, [{ ...keypoint(1, 1), type: "brushlabels" }]);
    expect((await ask("predict", brush)).body.error.message).toContain("no keypoint and no rectangle");
    const outside = await regionsOf(predictRequest(UPLOADED, [keypoint(500, -20)]));
    expect(maskOf(outside[0]).has(95, 0)).toBe(true);
    const chunked = await fetch(`${running.address}/label-studio/webhook`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: new Blob(["{}"]).stream(),
      duplex: "half",
    } as RequestInit);
    expect(chunked.status).toBe(411);
    expect((await regionsOf(predictRequest(UPLOADED, click))).length).toBe(1);
    // Nothing of all that was refused stays counted.
    const service = running.app.unsam;
    await expect
      .poll(() => [service.uploads.bytes, service.masks.bytes, service.clicks.running])
      .toEqual([0, 0, 0]);
  });
});
