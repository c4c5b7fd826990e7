import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { inRepository, sha256 } from "@unsam/test-support";
import { describe, expect, it } from "vitest";
import { hubSetting, someBytes } from "./hub-setting.js";

const setting = hubSetting();
const REPO = "some-body/some.model";
const NAME = `hf:${REPO}/model.pt`;
const bytes = someBytes(300_000);

interface Child {
  readonly process: ChildProcess;
  readonly lines: Record<string, unknown>[];
  readonly closed: Promise<number | null>;
}

const core = pathToFileURL(inRepository("packages", "core", "dist", "store", "index.js")).href;

function start(before: readonly string[] = []): Child {
  const command = [
    ...before,
    process.execPath,
    path.join(import.meta.dirname, "pull-child.mjs"),
    core,
    NAME,
    setting.own,
  ];
  const child = spawn(command[0], command.slice(1), {
    stdio: ["ignore", "pipe", "inherit"],
    env: process.env,
  });
  const lines: Record<string, unknown>[] = [];
  let text = "";
  child.stdout.on("data", (data) => {
    const parts = (text + data).split("\n");
    text = parts.pop() ?? "";
    lines.push(...parts.map((line) => JSON.parse(line)));
  });
  return { process: child, lines, closed: new Promise((resolve) => child.on("close", resolve)) };
}

/** The store sends 100 kB and then nothing until `release`. */
function holdBack(): { release: () => void; started: Promise<void> } {
  let release: () => void = () => {};
  const free = new Promise<void>((resolve) => {
    release = resolve;
  });
  let begun: () => void = () => {};
  const started = new Promise<void>((resolve) => {
    begun = resolve;
  });
  let isFirst = true;
  setting.hub.interfere = (request, response) => {
    if (request.host !== "store" || !isFirst) return false;
    isFirst = false;
    response.setHeader("content-length", bytes.length);
    response.write(bytes.subarray(0, 100_000));
    begun();
    free.then(() => response.end(bytes.subarray(100_000)));
    return true;
  };
  return { release, started };
}

async function until(what: () => boolean): Promise<void> {
  while (!what()) await new Promise((resolve) => setTimeout(resolve, 20));
}

const blobs = () => path.join(setting.cache, "models--some-body--some.model", "blobs");
const part = () => path.join(blobs(), `${sha256(bytes)}.unsam-part`);
const locks = () => path.join(setting.cache, ".locks", "models--some-body--some.model");

describe("several processes", () => {
  it("share one download; those that wait hear how far it is", async () => {
    setting.hub.add(REPO, "model.pt", bytes);
    const { release, started } = holdBack();
    const first = start();
    await started;
    const others = [start(), start()];
    await until(() => others.every(({ lines }) => lines.some(({ phase }) => phase === "wait")));
    release();
    const codes = await Promise.all([first, ...others].map(({ closed }) => closed));
    expect(codes).toEqual([0, 0, 0]);
    const outcomes = [first, ...others].map(({ lines }) => lines.at(-1)?.pulled as { downloaded: boolean });
    expect(outcomes.map(({ downloaded }) => downloaded)).toEqual([true, false, false]);
    expect(setting.hub.seen.filter(({ host }) => host === "store").length).toBe(1);
    expect(readdirSync(locks())).toEqual([]);
    expect(readdirSync(blobs())).toEqual([sha256(bytes)]);
  });

  it("go on where one of them was killed", async () => {
    setting.hub.add(REPO, "model.pt", bytes);
    const { started } = holdBack();
    const first = start();
    await started;
    await until(() => existsSync(part()) && statSync(part()).size >= 65_536);
    first.process.kill("SIGKILL");
    await first.closed;
    const begun = statSync(part()).size;
    expect(readdirSync(locks()).length).toBe(1);
    expect(readdirSync(blobs())).toEqual([`${sha256(bytes)}.unsam-part`]);
    const pulled = await setting.pull(NAME);
    expect(readFileSync(pulled.path).equals(bytes)).toBe(true);
    expect(setting.hub.seen.at(-1)?.headers.range).toBe(`bytes=${begun}-`);
    expect(readdirSync(locks())).toEqual([]);
  });

  // A file system of one megabyte, where a user namespace may mount one.
  const unshare = ["unshare", "-rm", "sh", "-c", 'mount -t tmpfs -o size=200k tmpfs "$0" && exec "$@"'];
  const canMount = spawnSync(unshare[0], [...unshare.slice(1), "/mnt", "true"]).status === 0;

  it.skipIf(!canMount)("with a full disk say so in one sentence, and do not leave it full", async () => {
    setting.hub.add(REPO, "model.pt", bytes);
    mkdirSync(setting.cache, { recursive: true });
    const child = start([...unshare, setting.cache]);
    expect(await child.closed).toBe(1);
    expect(child.lines.at(-1)).toMatchObject({
      code: "E_IO",
      message: expect.stringMatching(/no room.*free/),
    });
    // A server that does not say how much it will send.
    setting.hub.interfere = (request, response) => {
      if (request.url.startsWith("/api/")) return false;
      if (request.method === "HEAD") {
        response.writeHead(200, { "x-repo-commit": setting.hub.commit, etag: '"abc"' }).end();
        return true;
      }
      response.write(bytes);
      response.end();
      return true;
    };
    const other = start([...unshare, setting.cache]);
    expect(await other.closed).toBe(1);
    expect(other.lines.at(-1)).toMatchObject({
      code: "E_IO",
      message: expect.stringMatching(/no room for the file.*full after \d+ bytes; make room/),
    });
  });
});
