import { execFile, spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { inRepository } from "@unsam/test-support";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { photo, smallNetwork } from "./scene/scenes.js";

// ONNX Runtime keeps its telemetry off by itself where it sees CI or a test, so each program here runs in an
// environment of its own. It writes its files at the first session, and looks its host up ten seconds later.

const QUIET_MS = 14_000;
const traces = (...flags: string[]) =>
  spawnSync("strace", ["-f", ...flags, "-qq", "-e", "trace=connect", "true"]).status === 0;
const strace = traces();
/** Then only the calls that are asked for stop the program. */
const filtered = traces("--seccomp-bpf");

const sdk = JSON.stringify(import.meta.resolve("@unsam/sdk"));
const work = `
  import { UnSAM } from ${sdk};
  for (const model of [${JSON.stringify(smallNetwork)}, "nano"]) {
    const unsam = await UnSAM.load({ model, ...(model === "nano" ? { encoder: "onnx" } : { decoder: "onnx" }) });
    const image = await unsam.encode(${JSON.stringify(photo)});
    const { mask } = await image.segment({ points: [[100, 100]] });
    if (mask.width !== image.width) throw new Error("no mask");
    await unsam.dispose();
  }
  await new Promise((resolve) => setTimeout(resolve, ${QUIET_MS}));`;
const inWorker = (options: object) => `
  import { Worker } from "node:worker_threads";
  const source = ${JSON.stringify(`data:text/javascript,${encodeURIComponent(work)}`)};
  const worker = new Worker(new URL(source), ${JSON.stringify(options)});
  worker.on("error", (error) => { throw error; });`;

const program = (source: string, ...flags: string[]) => [...flags, "--input-type=module", "--eval", source];
const cli = (...args: string[]) => [inRepository("packages", "cli", "dist", "main.js"), ...args];
const network = ["--model", smallNetwork.checkpoint, "--config", smallNetwork.config];

let root: string;
beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), "unsam-telemetry-"));
});
afterAll(() => rm(root, { recursive: true }));

/** Runs Node under a fresh home, in a fresh folder; says what it wrote elsewhere than in its cache and temporary folder. */
async function run(name: string, args: readonly string[], environment: NodeJS.ProcessEnv = {}) {
  const folder = path.join(root, name);
  const [home, cwd, temporary] = ["home", "cwd", "tmp"].map((part) => path.join(folder, part));
  for (const part of [home, cwd, temporary]) await mkdir(part, { recursive: true });
  const env = { PATH: process.env.PATH, HOME: home, TMPDIR: temporary, ...environment };
  const log = path.join(folder, "calls.txt");
  const traced = [
    "-f",
    ...(filtered ? ["--seccomp-bpf"] : []),
    "-qq",
    "-y",
    "-e",
    "trace=open,openat,creat,connect",
    "-o",
    log,
    process.execPath,
    ...args,
  ];
  const command = strace ? (["strace", traced] as const) : ([process.execPath, [...args]] as const);
  const outcome = await promisify(execFile)(...command, { cwd, env }).then(
    () => "",
    (error: { stderr: string }) => error.stderr,
  );
  const cache = path.join(home, ".cache", "unsam");
  const left = [...(await filesUnder(home)), ...(await filesUnder(cwd))];
  const allowed = (file: string) => [cache, temporary].some((root) => file.startsWith(`${root}${path.sep}`));
  const calls = strace ? (await readFile(log, "utf8")).split("\n") : [];
  return {
    outcome,
    elsewhere: [...left, ...written(calls)].filter((file) => !allowed(file)),
    connections: calls.filter((call) => call.includes(" connect(")),
    cached: left.filter((file) => file.startsWith(cache)),
  };
}

async function filesUnder(folder: string): Promise<string[]> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  return found
    .filter((entry) => !entry.isDirectory())
    .map((entry) => path.join(entry.parentPath, entry.name));
}

/** Files that a process opened to write, devices and what is its own in /proc aside. */
function written(calls: readonly string[]): string[] {
  const opened = calls.flatMap((call) => {
    const [, folder, name, flags] =
      /(?:openat\((?:AT_FDCWD|\d+)<([^>]*)>, |open\(|creat\()"([^"]*)"(.*)/.exec(call) ?? [];
    const writes = name !== undefined && (/O_WRONLY|O_RDWR|O_CREAT/.test(flags) || call.includes("creat("));
    return writes ? [path.resolve(folder ?? "/", name)] : [];
  });
  return opened.filter((file) => !/^\/(dev|proc)\//.test(file));
}

describe(`nothing is written elsewhere, and nobody is called (${strace ? "traced" : "not traced: no strace"})`, () => {
  it.concurrent.each([
    ["main", "in the main thread", program(work)],
    ["worker", "in a worker of the user's", program(inWorker({}))],
    ["empty", "in a worker with an environment of its own", program(inWorker({ env: {} }))],
    ["segment", "on the command line", cli("segment", photo, "--point", "99,99", ...network)],
    ["doctor", "by doctor", cli("doctor")],
  ])("%s: %s", { timeout: 120_000 }, async (name, _, args) => {
    const { outcome, elsewhere, connections, cached } = await run(name, args);
    expect(outcome).toBe("");
    expect(elsewhere).toEqual([]);
    expect(connections).toEqual([]);
    // The home was the one that it looked at.
    if (name !== "doctor") expect(cached.length).toBeGreaterThan(0);
  });
});

// The permission model forbids a worker to reach the main thread. Node 20 has it, but loads no addon under it.
const permissions = ["--permission", "--allow-worker", "--allow-addons", "--allow-child-process"];
const permitted = [...permissions, "--allow-fs-read=*", "--allow-fs-write=*"];
const short = inWorker({}).replace(`${QUIET_MS}`, "0");

describe.runIf(permissions.every((flag) => process.allowedNodeEnvironmentFlags.has(flag)))(
  "where the telemetry cannot be turned off",
  () => {
    it.concurrent("ONNX Runtime is not loaded, and the error says what to do", {
      timeout: 60_000,
    }, async () => {
      const { outcome, elsewhere, connections } = await run("refused", program(short, ...permitted));
      expect(outcome).toMatch(/cannot be turned off .* start the process with ORT_DISABLE_TELEMETRY=1/);
      expect(elsewhere).toEqual([]);
      expect(connections).toEqual([]);
    });

    it.concurrent("it is loaded once that is done", { timeout: 60_000 }, async () => {
      const environment = { ORT_DISABLE_TELEMETRY: "1" };
      const { outcome, elsewhere } = await run("obeyed", program(short, ...permitted), environment);
      expect(outcome).toBe("");
      expect(elsewhere).toEqual([]);
    });
  },
);
