import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { UnSAMClient } from "@unsam/server/client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { metric, photo, type Running, start } from "./server.js";

const TOKENS = ["a-token-of-the-first", "a-token-of-the-second"];
let running: Running;
let id: string;
let logged = "";
beforeAll(async () => {
  const stream = {
    write: (line: string) => {
      logged += line;
    },
  };
  const limits = {
    photoBytes: 20_000,
    pixels: 50_000,
    prompts: 3,
    levels: 4,
    jsonBytes: 10_000,
    maskBytes: 3_000,
  };
  running = await start({ tokens: TOKENS, limits, requestTimeoutMs: 1500, logger: { stream } }, TOKENS[1]);
  id = (await running.client.addImage(await photo())).id;
});
afterAll(() => running.app.close());

const click = { points: [[20, 20]] };

function post(path: string, body: RequestInit["body"], headers: Record<string, string> = {}) {
  const authorization = `Bearer ${TOKENS[0]}`;
  return fetch(running.address + path, { method: "POST", body, headers: { authorization, ...headers } });
}

async function outcome(response: Response): Promise<[number, string]> {
  const body = (await response.json()) as { error: { code: string } };
  return [response.status, body.error.code];
}

/** Writes to a socket now and then; resolves to all that came back once it is closed. */
function trickle(head: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(Number(new URL(running.address).port), "127.0.0.1");
    let answer = "";
    socket.write(head);
    const drip = setInterval(() => socket.write("x"), 100);
    socket.on("data", (part) => {
      answer += part;
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      clearInterval(drip);
      resolve(answer);
    });
  });
}

describe("limits", () => {
  it("refuse photos of too many bytes, announced or not, and of too many pixels before they are decoded", async () => {
    const large = new Uint8Array(20_001);
    const type = { "content-type": "image/png" };
    expect(await outcome(await post("/v1/images", large, type))).toEqual([413, "E_TOO_LARGE"]);
    const form = new FormData();
    form.set("image", new Blob([large]), "a.png");
    expect(await outcome(await post("/v1/images", form))).toEqual([413, "E_TOO_LARGE"]);
    const wide = await photo(0, 300, 200);
    expect(await outcome(await post("/v1/images", wide, type))).toEqual([422, "E_BAD_IMAGE"]);
    expect(metric(await running.client.metrics(), 'unsam_bytes{what="uploads"}')).toBe(0);
  });

  it("refuse too many prompts, levels, masks and bytes of JSON", async () => {
    const ask = (what: string, body: unknown) =>
      post(`/v1/images/${id}/${what}`, JSON.stringify(body), { "content-type": "application/json" }).then(
        outcome,
      );
    const tooLarge = [413, "E_TOO_LARGE"];
    expect(await ask("segment", { prompts: Array(4).fill(click) })).toEqual(tooLarge);
    expect(await ask("ladder", { ...click, levels: 5 })).toEqual(tooLarge);
    // Four masks of 96 × 72 pixels take 3456 bytes.
    expect(await ask("ladder", { ...click, levels: 4 })).toEqual(tooLarge);
    expect(await ask("segment", { prompts: [{ points: Array(3000).fill([1, 1]) }] })).toEqual(tooLarge);
    expect(metric(await running.client.metrics(), 'unsam_bytes{what="masks"}')).toBe(0);
  });

  it("cut off bodies and headers that trickle", async () => {
    const host = `Host: 127.0.0.1\r\nAuthorization: Bearer ${TOKENS[0]}\r\n`;
    const answers = await Promise.all([
      trickle(`POST /v1/images HTTP/1.1\r\n${host}Content-Type: image/png\r\nContent-Length: 9000\r\n\r\n`),
      trickle(`POST /v1/images HTTP/1.1\r\n${host}X-`),
    ]);
    for (const answer of answers) expect(answer).toMatch(/^HTTP\/1.1 408 /);
    await sleep(50);
    expect(metric(await running.client.metrics(), 'unsam_bytes{what="uploads"}')).toBe(0);
  });
});

describe("tokens", () => {
  it.each([
    ["none", {}],
    ["a wrong one", { authorization: "Bearer a-token-of-the-third" }],
    ["the beginning of a right one", { authorization: `Bearer ${TOKENS[0].slice(0, -1)}` }],
    ["a right one in another scheme", { authorization: `Basic ${TOKENS[0]}` }],
    ["an empty one", { authorization: "Bearer " }],
  ])("let nobody in with %s", async (_, headers) => {
    for (const path of ["/v1/models", "/metrics", "/v1/images", "/nowhere"]) {
      const method = path === "/v1/images" ? "POST" : "GET";
      const response = await fetch(running.address + path, {
        method,
        headers: headers as Record<string, string>,
      });
      expect([path, ...(await outcome(response))]).toEqual(
        path === "/nowhere" ? [path, 404, "E_NOT_FOUND"] : [path, 401, "E_UNAUTHORIZED"],
      );
    }
  });

  it("let in whoever has any of them, and are not asked for by /health and /ready", async () => {
    for (const token of TOKENS) {
      const client = new UnSAMClient({ address: running.address, token });
      expect((await client.models()).models).toHaveLength(1);
    }
    const client = new UnSAMClient({ address: running.address });
    expect(await client.health()).toEqual({ status: "ok" });
    expect(await client.ready()).toEqual({ status: "ready" });
  });

  it("are never logged, and neither are photos", async () => {
    expect(logged).toContain("/v1/images");
    for (const token of TOKENS) expect(logged).not.toContain(token);
    expect(logged).not.toMatch(/IHDR|data:image/);
    expect(logged.length).toBeLessThan(200_000);
  });
});

describe("pages of other sites", () => {
  it("may not call the service, with or without a question before", async () => {
    const origin = { origin: "https://example.com" };
    expect(await outcome(await post("/v1/images", new FormData(), origin))).toEqual([403, "E_FORBIDDEN"]);
    const preflight = await fetch(`${running.address}/v1/images`, { method: "OPTIONS", headers: origin });
    expect(preflight.headers.get("access-control-allow-origin")).toBeNull();
    const own = await post("/v1/images", await photo(), {
      "content-type": "image/png",
      origin: running.address,
    });
    expect(own.status).toBe(200);
  });
});
