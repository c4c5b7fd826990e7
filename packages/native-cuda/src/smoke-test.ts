import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { lstat, mkdir, rename, stat, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { CONTRACT } from "./binding.js";

const CHILD = fileURLToPath(new URL("./smoke-child.js", import.meta.url));
const TIME_LIMIT_MS = 20_000;

/** Where it is kept which binaries passed their test. */
export interface TestMemory {
  /** Folder that remembers them; null: test each time. */
  readonly cacheDir: string | null;
  /** Makes a folder in it, and throws where what lies there cannot be believed. */
  readonly makeFolder?: (folder: string) => Promise<void>;
}

/**
 * What is wrong with an addon, found out in a child process, so that a broken binary never takes this one down; null:
 * it works. A binary that passed is remembered in `cacheDir` (null: nowhere) until it, Node or the processor changes.
 */
export async function smokeTest(
  addon: string,
  { cacheDir, makeFolder = makeOwnFolder }: TestMemory,
): Promise<string | null> {
  const found = await stat(addon).catch(() => null);
  if (!found?.isFile()) return "there is no such file";
  const processor = [process.arch, os.cpus()[0]?.model, process.env.UNSAM_ISA];
  const identity = [addon, found.size, found.mtimeMs, process.version, ...processor, CONTRACT];
  const digest = createHash("sha256").update(JSON.stringify(identity)).digest("hex").slice(0, 32);
  const passed = cacheDir === null ? null : path.join(cacheDir, "native", `${digest}.passed`);
  if (passed !== null && (await exists(passed))) return null;
  const problem = await tryInChild(addon);
  if (problem === null && passed !== null) await remember(passed, identity, makeFolder);
  return problem;
}

function tryInChild(addon: string): Promise<string | null> {
  return new Promise((resolve) => {
    let said = "";
    const { NODE_OPTIONS, ...environment } = process.env;
    // Without the options of this process, but for Yarn's: with Plug'n'Play they are what finds the child's modules.
    const options = process.versions.pnp && NODE_OPTIONS ? { NODE_OPTIONS } : {};
    const child = spawn(process.execPath, [CHILD, addon], {
      env: { ...environment, ...options, ELECTRON_RUN_AS_NODE: "1" },
      stdio: ["ignore", "ignore", "pipe"],
      timeout: TIME_LIMIT_MS,
      killSignal: "SIGKILL",
      windowsHide: true,
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said = (said + text).slice(-8192);
    });
    child.on("error", (cause) => resolve(`it could not be tried out in a child process (${cause.message})`));
    child.on("close", (code, signal) => {
      if (code === 0) resolve(null);
      else if (signal) resolve(`it died of ${signal}`);
      else resolve(lastLine(said) ?? `it ended its process with code ${code}`);
    });
  });
}

/** Without the full stop at its end; null where nothing was said. */
function lastLine(said: string): string | null {
  const lines = said.trim().split("\n");
  // Where Node itself could not start the child, it ends with its version, below the error and its stack.
  const start = lines.at(-1)?.startsWith("Node.js v")
    ? lines.findLast((line) => /^\w*Error\b/.test(line))
    : null;
  return (start ?? lines.at(-1))?.replace(/\.$/, "") || null;
}

async function makeOwnFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
}

async function remember(
  file: string,
  identity: readonly unknown[],
  makeFolder: (folder: string) => Promise<void>,
): Promise<void> {
  // A cache that cannot be written costs a test at the next start, nothing else.
  try {
    await makeFolder(path.dirname(file));
    const temporary = `${file}.${process.pid}.tmp`;
    await writeFile(temporary, `${JSON.stringify(identity)}\n`, { flag: "wx", mode: 0o600 });
    await rename(temporary, file);
  } catch {}
}

/** No link, and nothing that others may have written. */
function exists(file: string): Promise<boolean> {
  return lstat(file).then(
    (found) => found.isFile() && (!process.geteuid || [0, process.geteuid()].includes(found.uid)),
    () => false,
  );
}
