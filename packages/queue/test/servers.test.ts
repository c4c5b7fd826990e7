import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { enqueue, forgetRun, runStatus, work } from "@unsam/queue";
import { UnSAM } from "@unsam/sdk";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { redisAddress } from "#queue/redis/address.js";
import { problemOf } from "#queue/redis/check-server.js";
import { paintPhotos } from "./support/photos.js";
import { freePort, noRedis, RedisServer } from "./support/redis-server.js";

const load = () => UnSAM.load({ model: "region-tree" });

it("shows an address without its password", () => {
  expect(redisAddress("redis://me:secret@h.example:7000/2").shown).toBe("redis://h.example:7000/2");
  expect(redisAddress("rediss://:secret@h.example").shown).toBe("rediss://h.example:6379");
  for (const wrong of ["secret", "http://me:secret@h.example", "redis//secret"]) {
    expect(() => redisAddress(wrong)).toThrow(/redis:\/\/HOST:PORT/);
    expect(() => redisAddress(wrong)).not.toThrow(/secret/);
  }
});

it("is refused in one sentence where there is none", async () => {
  const redis = `redis://me:secret@127.0.0.1:${await freePort()}`;
  const refusal = await runStatus({ redis }).catch((error) => error);
  expect(refusal).toMatchObject({ name: "UnSAMError", code: "E_IO" });
  expect(refusal.message).toMatch(
    /^Redis does not answer at redis:\/\/127\.0\.0\.1:\d+ \(.*ECONNREFUSED.*\); start /,
  );
  expect(refusal.message).not.toContain("secret");
});

it.each([
  ["redis_version:5.0.14\r\n", /version 5\.0\.14; the queue needs 6\.2/],
  ["nothing of the kind", /version unknown/],
  ["redis_version:7.0.15\r\nmaxmemory_policy:allkeys-lru\r\n", /maxmemory-policy allkeys-lru/],
  ["redis_version:7.0.15\r\nredis_mode:cluster\r\n", /is a cluster/],
  ["redis_version:7.0.15\r\nrole:slave\r\n", /is a replica/],
])("is looked at before it is used: %j", (info, expected) => {
  expect(problemOf(info)).toMatch(expected);
  expect(problemOf("redis_version:6.2.0\r\nrole:master\r\nmaxmemory_policy:noeviction\r\n")).toBeNull();
});

describe.skipIf(noRedis !== null)(`a real server${noRedis ? ` (skipped: ${noRedis})` : ""}`, () => {
  const folder = mkdtempSync(path.join(tmpdir(), "unsam-queue-"));
  const photos = path.join(folder, "photos");
  const run = { model: { model: "region-tree" }, inputs: [photos], out: path.join(folder, "out") };
  let unsam: UnSAM;
  let server: RedisServer;
  beforeAll(async () => {
    unsam = await load();
    await paintPhotos(photos, 6);
  });
  afterAll(async () => {
    await unsam?.dispose();
    rmSync(folder, { recursive: true });
  });

  it("that forgets jobs, or wants a password, is refused", async () => {
    await using strict = await started("--requirepass", "right");
    const wrong = `redis://:wrong@127.0.0.1:${strict.port}`;
    const said = await Promise.all(
      [wrong, strict.address].map((redis) => runStatus({ redis }).catch((e) => e.message)),
    );
    for (const sentence of said) expect(sentence).toMatch(/password.*UNSAM_REDIS\.$/);
    expect(said.join()).not.toContain("wrong@");
    await using forgetful = await started("--maxmemory-policy", "allkeys-lru");
    await expect(runStatus({ redis: forgetful.address })).rejects.toThrow(/allkeys-lru.*noeviction/);
  });

  it("takes one run a queue, and workers of its model only", async () => {
    server = await RedisServer.start();
    try {
      const redis = server.address;
      await expect(work({ redis, load })).rejects.toThrow(/There is no run in the queue everything/);
      expect(await enqueue({ ...run, unsam, redis })).toMatchObject({ added: 6 });
      await expect(enqueue({ ...run, unsam, redis, options: { minRegionArea: 9 } })).rejects.toThrow(
        /holds a run with another model, other options or another --out/,
      );
      await expect(enqueue({ ...run, unsam, redis, formats: ["png"] })).rejects.toThrow(/"png" is not known/);
      await expect(enqueue({ ...run, unsam, redis, queue: "a:b" })).rejects.toThrow(/queue's name "a:b"/);
      const other = async () => {
        const one = await load();
        Object.defineProperty(one.engine, "info", { value: { ...one.engine.info, fingerprint: "another" } });
        return one;
      };
      await expect(work({ redis, load: other })).rejects.toThrow(/is not that of the run/);

      // Told to stop while it works, it ends what it has; nothing stays at work.
      const stop = new AbortController();
      const worked = await work({ redis, load, signal: stop.signal, onDone: () => stop.abort() });
      expect(worked.done).toBeLessThan(6);
      expect(await runStatus({ redis })).toMatchObject({ photos: 6, done: worked.done, atWork: 0 });
      // Without time for it, it gives back what it has.
      const soon = new AbortController();
      const given = work({
        ...{ redis, signal: soon.signal, graceMs: 1 },
        load: async () => {
          const slow = await load();
          const encode = slow.encode.bind(slow);
          slow.encode = async (image, options) => {
            soon.abort();
            await new Promise((resolve) =>
              options?.signal?.addEventListener("abort", resolve, { once: true }),
            );
            return encode(image, options);
          };
          return slow;
        },
      });
      expect(await given).toMatchObject({ done: 0, parked: 0 });
      const { done, atWork, waiting, parked } = await runStatus({ redis });
      expect({ done, atWork, waiting, parked }).toEqual({
        done: worked.done,
        atWork: 0,
        waiting: 6 - done,
        parked: 0,
      });

      // A server that keeps nothing and is started again.
      const said: string[] = [];
      const lost = work({ redis, load, onConnection: (sentence) => said.push(sentence), onDone: () => {} });
      lost.catch(() => {});
      while ((await runStatus({ redis })).done < 6);
      await server.kill("SIGKILL");
      await server.resume();
      await expect(lost).rejects.toThrow(/came back without the run.*appendonly yes/);
      expect(said).toEqual([expect.stringContaining("is lost"), expect.stringContaining("is there again")]);
      expect(await enqueue({ ...run, unsam, redis })).toMatchObject({ added: 6 });
      expect(await work({ redis, load, untilDone: true })).toEqual({ done: 6, there: 6, parked: 0 });
      expect(await forgetRun({ redis })).toMatchObject({ photos: 6, done: 6 });
      expect(await runStatus({ redis })).toMatchObject({ run: null, photos: 0 });

      // A worker that is told to stop while there is no server ends all the same.
      await enqueue({ ...run, unsam, redis, queue: "gone" });
      const end = new AbortController();
      const alone = work({ redis, load, queue: "gone", signal: end.signal, graceMs: 100 });
      while ((await runStatus({ redis, queue: "gone" })).done < 6);
      await server.kill("SIGKILL");
      end.abort();
      await alone;
    } finally {
      await server.end();
    }
  });

  it("is given names no faster than it takes photos, and no line without an end", async () => {
    await using one = await started();
    const lines = (count: number, path: string) => {
      const seen = { taken: 0, ahead: 0, known: 0 };
      const source = async function* () {
        for (; seen.taken < count; seen.taken++) {
          seen.ahead = Math.max(seen.ahead, seen.taken - seen.known);
          yield Buffer.from(`${path}\n`);
        }
      };
      return { seen, source };
    };
    const { seen, source } = lines(3000, path.join(photos, "0001.png"));
    const options = { ...run, inputs: [], unsam, redis: one.address };
    const enqueued = await enqueue({ ...options, lines: source(), onPhoto: () => void seen.known++ });
    expect(enqueued).toEqual({ photos: 3000, added: 1, known: 2999, failed: 0 });
    expect(seen.ahead).toBeLessThanOrEqual(256);
    const endless = async function* () {
      for (;;) yield Buffer.alloc(10_000, "a");
    };
    await expect(enqueue({ ...options, lines: endless() })).rejects.toThrow(/line 1, is longer than/);
    const failures: string[] = [];
    const missing = path.join(photos, "none.png");
    const names = [`${missing}\r\n\n`, "/dev/zero\nhttps://example.com/a.png"].map((text) =>
      Buffer.from(text),
    );
    const odd = (async function* () {
      yield* names;
    })();
    await expect(
      enqueue({ ...options, lines: odd, onFailure: (_, e) => failures.push(e.message) }),
    ).rejects.toThrow(/neither a path nor s3/);
    const two = (async function* () {
      yield Buffer.from(`${missing}\r\n\n/dev/zero`);
    })();
    const result = await enqueue({ ...options, lines: two, onFailure: (_, e) => failures.push(e.message) });
    expect(result).toMatchObject({ photos: 2, failed: 2 });
    expect(failures.join("\n")).toMatch(/none\.png.*\n.*zero.*not a regular file/);
  });
});

async function started(...words: string[]) {
  const server = await RedisServer.start(...words);
  return Object.assign(server, { [Symbol.asyncDispose]: () => server.end() });
}
