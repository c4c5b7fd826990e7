import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as after } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { eachParked, enqueue, type ParkedPhoto, retryParked, runStatus, work } from "@unsam/queue";
import { UnSAM } from "@unsam/sdk";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { paintPhotos, writeAlone } from "./support/photos.js";
import { noRedis, RedisServer } from "./support/redis-server.js";

const PHOTOS = 24;
const WORKERS = 3;
const KILLS = 3;

describe.skipIf(noRedis !== null)(
  `a run whose workers are killed${noRedis ? ` (skipped: ${noRedis})` : ""}`,
  () => {
    const folder = mkdtempSync(path.join(tmpdir(), "unsam-queue-"));
    const [photos, out, alone] = ["photos", "out", "alone"].map((name) => path.join(folder, name));
    let server: RedisServer;
    let unsam: UnSAM;
    const ids = new Map<string, string>();
    const children: ChildProcess[] = [];

    beforeAll(async () => {
      server = await RedisServer.start("--appendonly", "yes", "--appendfsync", "always");
      unsam = await UnSAM.load({ model: "region-tree" });
      await paintPhotos(path.join(photos, "below"), PHOTOS);
      // A second name for a photo, one that is none, and what nobody looks at.
      cpSync(path.join(photos, "below", "0000.png"), path.join(photos, "copy.png"));
      writeFileSync(path.join(photos, "poison.png"), "This is no PNG.");
      writeFileSync(path.join(photos, "notes.txt"), "");
    });
    afterAll(async () => {
      for (const child of children) child.kill("SIGKILL");
      await unsam?.dispose();
      await server?.end();
      rmSync(folder, { recursive: true });
    });

    function startWorker(): ChildProcess {
      const program = fileURLToPath(new URL("support/worker.mjs", import.meta.url));
      const child = spawn(process.execPath, [program, server.address, "killed"], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      children.push(child);
      return child;
    }

    /** Resolves when it has done a photo, so it has others in its hands; or has ended. */
    async function handsAreFull(child: ChildProcess): Promise<void> {
      if (child.exitCode !== null) return;
      await Promise.race([once(child.stdout!, "data"), once(child, "exit")]);
    }

    const fill = () =>
      enqueue({
        ...{ unsam, model: { model: "region-tree" }, inputs: [photos], out, queue: "killed" },
        ...{ formats: ["json", "coco.json"], redis: server.address, attempts: 3, backoffMs: 100 },
        onPhoto: (photo, id) => void ids.set(photo, id),
      });

    it("has every result once, each as one process alone writes it, and lists what it parked", async () => {
      expect(await fill()).toEqual({ photos: PHOTOS + 2, added: PHOTOS + 1, known: 1, failed: 0 });
      expect(ids.get(path.join(photos, "copy.png"))).toBe(ids.get(path.join(photos, "below", "0000.png")));
      // Enqueued again it is the same run.
      expect(await fill()).toMatchObject({ added: 0, known: PHOTOS + 2 });

      const team = Array.from({ length: WORKERS }, startWorker);
      for (let kills = 0; kills < KILLS; kills++) {
        const victim = team[kills % WORKERS];
        // A worker that starts while Redis is away says so, and ends: all are at work when it goes.
        await Promise.all((kills === 1 ? team : [victim]).map(handsAreFull));
        victim.kill("SIGKILL");
        if (kills === 1) {
          await server.kill("SIGKILL");
          await after(200);
          await server.resume();
        }
        team[kills % WORKERS] = startWorker();
      }
      await Promise.all(team.map((child) => child.exitCode ?? once(child, "exit")));
      expect(team.map(({ exitCode }) => exitCode)).toEqual(team.map(() => 0));
      const { run, ...counts } = await runStatus({ redis: server.address, queue: "killed" });
      expect(run?.out).toBe(out);
      expect(counts).toEqual({
        ...{ queue: "killed", photos: PHOTOS + 1, done: PHOTOS, atWork: 0, waiting: 0, again: 0, parked: 1 },
      });

      mkdirSync(alone);
      const expected: string[] = [];
      for (const [photo, id] of ids) {
        if (/copy|poison/.test(photo)) continue;
        await writeAlone(unsam, photo, path.join(alone, id));
        expected.push(`${id}.json`, `${id}.coco.json`);
      }
      const made = readdirSync(out, { recursive: true, encoding: "utf8" }).filter((name) =>
        name.endsWith(".json"),
      );
      expect(made.map((name) => path.basename(name)).sort()).toEqual(expected.sort());
      for (const name of expected) {
        const result = readFileSync(path.join(out, name.slice(0, 2), name), "utf8");
        // Of two names of one photo either may be the one that was found first.
        const told = result.replace('"copy.png"', '"0000.png"');
        expect(told === readFileSync(path.join(alone, name), "utf8"), name).toBe(true);
      }

      const parked: ParkedPhoto[] = [];
      await eachParked({ redis: server.address, queue: "killed" }, (photo) => parked.push(photo));
      expect(parked).toMatchObject([
        { photo: path.join(photos, "poison.png"), code: "E_BAD_IMAGE", attempts: 1 },
      ]);
    });

    it("tries parked photos again when told to, and makes nothing twice that is there", async () => {
      const options = { redis: server.address, queue: "killed" };
      expect(await retryParked(options)).toBe(1);
      const load = () => UnSAM.load({ model: "region-tree" });
      expect(await work({ ...options, load, untilDone: true })).toEqual({ done: 0, there: 0, parked: 1 });
      // Another queue, the same results: they are there.
      await enqueue({
        ...{
          unsam,
          model: { model: "region-tree" },
          inputs: [path.join(photos, "below")],
          out,
          queue: "second",
        },
        ...{ formats: ["json", "coco.json"], redis: server.address },
      });
      const second = { redis: server.address, queue: "second", load, untilDone: true };
      expect(await work(second)).toEqual({ done: PHOTOS, there: PHOTOS, parked: 0 });
    });
  },
);
