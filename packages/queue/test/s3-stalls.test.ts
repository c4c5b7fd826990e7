import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { S3Store } from "#queue/s3/s3-store.js";

const PIECE = Buffer.alloc(1000, 7);
const PATIENCE_MS = 400;

/** How objects come: at once, half of one and then nothing, or byte by byte for ever. */
const answers: Record<string, RequestListener> = {
  "/photos/whole.png": (_, response) => response.end(PIECE),
  "/photos/stalls.png": (_, response) => {
    response.writeHead(200, { "content-length": 2 * PIECE.length });
    response.write(PIECE);
  },
  "/photos/trickles.png": (_, response) => {
    response.writeHead(200, { "content-length": 1_000_000 });
    const timer = setInterval(() => response.write("."), PATIENCE_MS / 8);
    response.once("close", () => clearInterval(timer));
  },
  // Not even its headers come.
  "/photos/silent.png": () => {},
};
const server = createServer((request, response) => {
  answers[new URL(request.url ?? "", "http://store").pathname]?.(request, response);
});
beforeAll(async () => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  vi.stubEnv("AWS_ENDPOINT_URL_S3", `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  vi.stubEnv("AWS_ACCESS_KEY_ID", "somebody");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "something");
});
afterAll(async () => {
  vi.unstubAllEnvs();
  server.closeAllConnections();
  server.close();
});

async function read(key: string, signal = new AbortController().signal): Promise<number> {
  const store = await S3Store.open("photos", PATIENCE_MS);
  let bytes = 0;
  for await (const piece of await store.pieces(key, signal)) bytes += piece.length;
  return bytes;
}

const openConnections = () =>
  new Promise<number>((resolve) => server.getConnections((_, count) => resolve(count)));

it("reads an object that comes", async () => {
  expect(await read("whole.png")).toBe(PIECE.length);
});

it.each(["stalls.png", "trickles.png", "silent.png"])(
  "gives up %s in time, says which, and lets go of the connection",
  async (key) => {
    const start = performance.now();
    await expect(read(key)).rejects.toMatchObject({
      code: "E_IO",
      message: expect.stringContaining(`s3://photos/${key}`),
    });
    // Many times the patience, on a busy machine; without a limit it would be for ever.
    expect(performance.now() - start).toBeLessThan(20 * PATIENCE_MS);
    await vi.waitFor(async () => expect(await openConnections()).toBeLessThanOrEqual(1));
  },
);

it("stops at once when it is told to while nothing comes", async () => {
  const stop = new AbortController();
  const store = await S3Store.open("photos");
  const pieces = (await store.pieces("stalls.png", stop.signal))[Symbol.asyncIterator]();
  expect((await pieces.next()).value).toHaveLength(PIECE.length);
  const next = pieces.next();
  stop.abort(new Error("told to stop"));
  await expect(next).rejects.toThrow("told to stop");
});
