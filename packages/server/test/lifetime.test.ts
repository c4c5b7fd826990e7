import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { UnSAM } from "@unsam/sdk";
import { createServer, serve, unsamService } from "@unsam/server";
import { ServiceFailure, UnSAMClient } from "@unsam/server/client";
import Fastify from "fastify";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { metric, photo, start } from "./server.js";

let unsam: UnSAM;
let folder: string;
beforeAll(async () => {
  unsam = await UnSAM.load({ model: "region-tree" });
  folder = await mkdtemp(path.join(tmpdir(), "unsam-server-"));
});
afterAll(async () => {
  await unsam.dispose();
  await rm(folder, { recursive: true });
});

const prompts = [{ points: [[20, 20]], granularity: 0.5 }];

describe("encoded images", () => {
  it("go to disk where memory is full, come back with the same answers, and outlive the service", async () => {
    const spill = path.join(folder, "spill");
    // One image of 96 × 72 pixels takes 28 kB, two do not fit.
    const options = { unsam, cache: { bytes: 50_000, spill } };
    const { client, app } = await start(options);
    const first = await client.addImage(await photo(1));
    const before = await client.segment(first.id, { prompts });
    const second = await client.addImage(await photo(2));
    expect(await readdir(spill)).toEqual([`${first.id}.safetensors`]);
    expect(await client.segment(first.id, { prompts })).toEqual(before);
    const text = await client.metrics();
    expect(metric(text, 'unsam_images{where="memory"}')).toBe(1);
    expect(metric(text, 'unsam_cache_lookups_total{found="disk"}')).toBe(1);
    await client.deleteImage(second.id);
    await app.close();

    const later = await start(options);
    expect(await later.client.segment(first.id, { prompts })).toEqual(before);
    expect(metric(await later.client.metrics(), 'unsam_stage_seconds_count{stage="encode"}')).toBe(0);
    await later.client.deleteImage(first.id);
    expect(await readdir(spill)).toEqual([]);
    await later.app.close();
  });

  it("are forgotten when nobody has used them for their time", async () => {
    const { client, app } = await start({ unsam, cache: { ttlMs: 100 } });
    await client.addImage(await photo(3));
    const count = async () => metric(await client.metrics(), 'unsam_images{where="memory"}');
    for (const until = Date.now() + 5000; (await count()) > 0 && Date.now() < until; );
    expect(await count()).toBe(0);
    await app.close();
  });
});

describe("a service that stops", () => {
  it("answers what it accepted, refuses what comes later with 503, and releases its port", async () => {
    const server = await serve({ unsam, port: 0, measure: false });
    const client = new UnSAMClient({ address: server.address });
    const accepted = [4, 5, 6].map(async (shade) => client.addImage(await photo(shade, 500, 400)));
    // Until they have been accepted.
    while (metric(await client.metrics(), 'unsam_queue_depth{queue="encodes",state="running"}') < 2);
    const stopped = server.stop();
    const late = await client.models().catch((why: unknown) => why);
    expect(late).toBeInstanceOf(ServiceFailure);
    expect([(late as ServiceFailure).status, (late as ServiceFailure).retryAfter]).toEqual([503, 5]);
    expect(await client.health()).toEqual({ status: "ok" });
    await expect(client.ready()).rejects.toMatchObject({ status: 503 });
    expect((await Promise.all(accepted)).map(({ width }) => width)).toEqual([500, 500, 500]);
    await stopped;
    await expect(client.health()).rejects.toThrow();
  });

  it("gives up after its time, and says so", async () => {
    const server = await serve({ unsam, port: 0, measure: false, graceMs: 1 });
    const client = new UnSAMClient({ address: server.address });
    const bytes = await photo(7, 3000, 2000);
    const work = client.addImage(bytes).catch((why: unknown) => why);
    while (metric(await client.metrics(), 'unsam_queue_depth{queue="encodes",state="running"}') < 1);
    await server.stop();
    expect(await work).toMatchObject({ status: 503, code: "E_BUSY" });
  });
});

describe("where it listens", () => {
  it("is this machine only, unless there are tokens or somebody says that none are wanted", async () => {
    await expect(serve({ unsam, host: "0.0.0.0", port: 0 })).rejects.toMatchObject({ code: "E_BAD_OPTION" });
    const server = await serve({ unsam, port: 0, measure: false });
    expect(server.address).toMatch(/^http:\/\/127\.0\.0\.1:/);
    // A page whose name was made to resolve to this machine says its own name.
    const { statusCode } = await server.app.inject({ url: "/v1/models", headers: { host: "evil.example" } });
    expect(statusCode).toBe(403);
    await expect(serve({ unsam, port: Number(new URL(server.address).port) })).rejects.toMatchObject({
      code: "E_IO",
    });
    await server.stop();
  });

  it("can be an app of one's own, under a prefix, which keeps its own ways", async () => {
    const app = Fastify();
    app.get("/own", async () => {
      throw new Error("own");
    });
    await app.register(unsamService, { unsam, prefix: "/segment", rate: false });
    const address = await app.listen({ port: 0, host: "127.0.0.1" });
    const client = new UnSAMClient({ address: `${address}/segment` });
    const { id } = await client.addImage(await photo(8));
    expect((await client.segment(id, { prompts })).segments).toHaveLength(1);
    expect(await (await fetch(`${address}/own`)).json()).toMatchObject({ statusCode: 500, message: "own" });
    expect((await fetch(`${address}/v1/models`)).status).toBe(404);
    await app.close();
    // The model was the app's own.
    await (await unsam.encode({ data: new Uint8Array(12), width: 2, height: 2, channels: 3 })).dispose();
  });
});

describe("the rate", () => {
  it("of a client is limited, and it is told when to come again", async () => {
    const app = await createServer({ unsam, rate: { max: 3, windowMs: 60_000 } });
    const ask = () => app.inject({ url: "/v1/models" });
    for (let i = 0; i < 3; i++) expect((await ask()).statusCode).toBe(200);
    const refused = await ask();
    expect([refused.statusCode, refused.json().error.code]).toEqual([429, "E_RATE"]);
    expect(Number(refused.headers["retry-after"])).toBeGreaterThan(0);
    expect((await app.inject({ url: "/health" })).statusCode).toBe(200);
    await app.close();
  });
});
