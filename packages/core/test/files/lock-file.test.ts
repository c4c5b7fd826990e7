import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type FileLock, lockFile, removeLeftovers } from "#core/files/index.js";

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "unsam-lock-"));
  file = path.join(folder, "some.lock");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const take = async (options = {}): Promise<FileLock> => (await lockFile(file, options)) as FileLock;

describe("a lock", () => {
  it("is held by one at a time, and its file goes with it", async () => {
    let inside = 0;
    let most = 0;
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        const lock = await take();
        most = Math.max(most, ++inside);
        await new Promise((resolve) => setTimeout(resolve, 5));
        inside--;
        await lock.release();
      }),
    );
    expect(most).toBe(1);
    expect(readdirSync(folder)).toEqual([]);
  });

  it("of a process that has died is taken over at once", async () => {
    const lock = await take();
    const content = JSON.parse(readFileSync(file, "utf8")) as { pid: number };
    const { pid } = spawnSync(process.execPath, ["-e", ""]);
    writeFileSync(file, JSON.stringify({ ...content, pid, token: "other" }));
    await lock.release();
    expect(existsSync(file)).toBe(true);
    const mine = await take({ onWait: () => expect.unreachable() });
    await mine.release();
    expect(readdirSync(folder)).toEqual([]);
  });

  it("that shows no life is taken over after a while, whatever it holds", async () => {
    for (const content of ["", "nonsense", '{"machine":"elsewhere","pid":1,"token":"x"}']) {
      writeFileSync(file, content);
      let waited = 0;
      const lock = await take({ staleMs: 300, onWait: () => void waited++ });
      expect(waited).toBeGreaterThan(0);
      await lock.release();
      expect(readdirSync(folder)).toEqual([]);
    }
  });

  it("that shows life is waited for, until the caller gives up", async () => {
    const lock = await take();
    const stop = new AbortController();
    const reason = new Error("enough");
    setTimeout(() => stop.abort(reason), 300);
    await expect(lockFile(file, { signal: stop.signal })).rejects.toBe(reason);
    expect(await lockFile(file, { onWait: () => true })).toBe(null);
    await lock.release();
  });

  it("that was taken away says so to its holder, who leaves the new one alone", async () => {
    const lock = await take();
    rmSync(file);
    const other = await take();
    await new Promise<void>((resolve) => lock.lost.addEventListener("abort", () => resolve()));
    await lock.release();
    expect(existsSync(file)).toBe(true);
    expect(other.lost.aborted).toBe(false);
    await other.release();
  });

  it("is refused where something else is in its way", async () => {
    mkdirSync(file);
    await expect(lockFile(file)).rejects.toMatchObject({
      code: "E_IO",
      message: expect.stringMatching(/in the way/),
    });
    await expect(lockFile(path.join(folder, "none", "x.lock"))).rejects.toMatchObject({ code: "E_IO" });
    await removeLeftovers(folder);
    expect(readdirSync(folder)).toEqual(["some.lock"]);
  });
});
