import { spawn } from "node:child_process";
import { readdir } from "node:fs/promises";
import { inRepository } from "@unsam/test-support";
import { expect } from "vitest";
import { runProgram } from "#cli/run-program.js";
import { Interrupt } from "#cli/terminal/interrupt.js";

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Standard output, where it is no text. */
  readonly bytes: Buffer;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly timeout?: number;
  /** What comes in by standard input, of a process of its own. */
  readonly input?: Uint8Array | string;
}

/** Runs the built `unsam` as a user does, in a process of its own: for what a process is needed for. */
export function unsamProcess(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const main = inRepository("packages", "cli", "dist", "main.js");
    const child = spawn(process.execPath, [main, ...args], {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      timeout: options.timeout ?? 60_000,
    });
    const pieces: Buffer[] = [];
    let stderr = "";
    child.stdin.on("error", () => {});
    child.stdin.end(options.input);
    child.stdout.on("data", (piece) => pieces.push(piece));
    child.stderr.on("data", (text) => {
      stderr += text;
    });
    child.on("error", reject);
    child.on("close", (code) => {
      const bytes = Buffer.concat(pieces);
      resolve({ code, stdout: bytes.toString(), stderr, bytes });
    });
  });
}

const interrupt = new Interrupt();
let last: Promise<unknown> = Promise.resolve();

/**
 * Runs the built `unsam` in this process, with its working directory, its variables and its output put aside for as long:
 * the second that a new process takes to load the modules is spent once. One at a time.
 */
export function unsam(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const run = last.then(() => runHere(args, options));
  last = run.catch(() => {});
  return run;
}

async function runHere(args: readonly string[], { cwd, env = {} }: RunOptions): Promise<Outcome> {
  const said = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  const before = { cwd: process.cwd(), env: { ...process.env }, exitCode: process.exitCode };
  const writes = { stdout: process.stdout.write, stderr: process.stderr.write };
  for (const name of ["stdout", "stderr"] as const) {
    process[name].write = (piece: string | Uint8Array) => {
      said[name].push(Buffer.from(piece as string));
      return true;
    };
  }
  try {
    if (cwd !== undefined) process.chdir(cwd);
    Object.assign(process.env, env);
    process.exitCode = undefined;
    await runProgram(args, interrupt);
    const [bytes, stderr] = [said.stdout, said.stderr].map((pieces) => Buffer.concat(pieces));
    return {
      code: Number(process.exitCode ?? 0),
      stdout: bytes.toString(),
      stderr: stderr.toString(),
      bytes,
    };
  } finally {
    Object.assign(process.stdout, { write: writes.stdout });
    Object.assign(process.stderr, { write: writes.stderr });
    process.chdir(before.cwd);
    for (const name of Object.keys(env)) delete process.env[name];
    Object.assign(process.env, before.env);
    process.exitCode = before.exitCode;
  }
}

/** What was said on standard error, without the lines that tell of a step that takes more than a second. */
export function sentences(stderr: string): string[] {
  return stderr
    .trim()
    .split("\n")
    .filter((line) => !line.startsWith("- "));
}

/** A command that is refused: exit code 2, one sentence for `reason`, nothing printed, nothing written into `folder`. */
export async function expectRefusal(args: readonly string[], folder: string, reason: RegExp): Promise<void> {
  const before = await readdir(folder);
  const { code, stdout, stderr } = await unsam(args, { cwd: folder });
  expect(code).toBe(2);
  expect(stdout).toBe("");
  expect(stderr).toMatch(reason);
  expect(sentences(stderr)).toHaveLength(1);
  expect(await readdir(folder)).toEqual(before);
}
