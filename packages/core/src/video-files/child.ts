import { type ChildProcess, spawn } from "node:child_process";
import type { Socket } from "node:net";
import type { Readable, Writable } from "node:stream";
import { UnSAMError } from "../errors.js";
import { reasonOf } from "../files/index.js";

/** What a program writes about its errors is kept up to so many lines of so many characters. */
const KEPT_LINES = 6;
const LONGEST_LINE = 2000;

/** Programs that run. They end with this process, however it ends: most by this list, all by their broken pipes. */
const running = new Set<ChildProcess>();
let watchesExit = false;

export interface ChildOptions {
  /** Whether something is written to it (default: its standard input is empty). */
  readonly writes?: boolean;
  /** Gets each line of its standard error. */
  readonly onLine?: (line: string) => void;
}

/**
 * One run of ffmpeg or ffprobe. No shell is involved, and it asks nothing. It does not keep this process alive while
 * nobody waits for it.
 */
export class Child {
  readonly stdout: Readable;
  readonly stdin: Writable | null;
  /** Settles, never rejects, when the program has ended and what it wrote was read. */
  readonly closed: Promise<void>;
  readonly #process: ChildProcess;
  readonly #problems: string[] = [];
  #failure: UnSAMError | null = null;
  #code: number | null = null;
  #isClosed = false;
  #waiting = 0;

  constructor(program: string, args: readonly string[], { writes = false, onLine }: ChildOptions = {}) {
    const child = spawn(program, args, {
      stdio: [writes ? "pipe" : "ignore", "pipe", "pipe"],
      windowsHide: true,
      // A group of its own: Ctrl-C in a terminal reaches this process alone, which then ends it in its own way.
      detached: process.platform !== "win32",
    });
    this.#process = child;
    this.stdout = child.stdout!;
    this.stdin = child.stdin;
    // Of a program that ended before it had read all; its end says why.
    this.stdin?.on("error", () => {});
    this.stdout.on("error", () => {});
    running.add(child);
    if (!watchesExit) {
      watchesExit = true;
      process.on("exit", () => {
        for (const one of running) one.kill("SIGKILL");
      });
    }
    readLines(child.stderr!, (line) => {
      const problem = /\[(?:error|fatal|panic)\] (.*)$/.exec(line)?.[1];
      if (problem !== undefined) {
        this.#problems.push(problem.trim());
        if (this.#problems.length > KEPT_LINES) this.#problems.shift();
      } else onLine?.(line);
    });
    this.closed = new Promise((resolve) => {
      child.on("error", (cause) => {
        running.delete(child);
        this.#isClosed = true;
        this.#failure = new UnSAMError("E_IO", `${program} cannot be run: ${reasonOf(cause)}.`, { cause });
        resolve();
      });
      child.on("close", (code) => {
        running.delete(child);
        this.#isClosed = true;
        this.#code = code;
        resolve();
      });
    });
    this.#keepAlive(false);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** It ended as it should. */
  get succeeded(): boolean {
    return this.#code === 0 && this.#failure === null;
  }

  /** Throws `E_IO` where the program could not be started. */
  checkStarted(): void {
    if (this.#failure) throw this.#failure;
  }

  /** What it said of its errors, for the end of a sentence. */
  get problem(): string {
    const told = this.#problems.map((line) => line.replace(/^(\[[^\]]*\] )+/, "").replace(/[.\s]+$/, ""));
    const text = [...new Set(told)].slice(-2).join("; ");
    return text === "" ? `it ended with code ${this.#code}` : text.slice(0, 300);
  }

  /** Whether one of its last errors was such a one. */
  told(problem: RegExp): boolean {
    return this.#problems.some((line) => problem.test(line));
  }

  /** While somebody waits, this process stays alive. Ends the program where the signal is aborted, and rejects with its reason. */
  async waited<Result>(work: Promise<Result>, signal: AbortSignal | undefined): Promise<Result> {
    if (this.#waiting++ === 0) this.#keepAlive(true);
    const onAbort = () => this.kill();
    signal?.addEventListener("abort", onAbort, { once: true });
    if (signal?.aborted) this.kill();
    try {
      const result = await work;
      signal?.throwIfAborted();
      return result;
    } catch (cause) {
      signal?.throwIfAborted();
      throw cause;
    } finally {
      signal?.removeEventListener("abort", onAbort);
      if (--this.#waiting === 0) this.#keepAlive(false);
    }
  }

  /** Ends it at once. */
  kill(): void {
    if (this.#isClosed) return;
    this.#process.kill("SIGKILL");
    // What it wrote is of no use to anybody, and its end is not told before that is read.
    this.stdout.destroy();
    this.stdin?.destroy();
  }

  #keepAlive(isNeeded: boolean): void {
    const call = isNeeded ? "ref" : "unref";
    this.#process[call]();
    for (const stream of [this.#process.stdin, this.#process.stdout, this.#process.stderr]) {
      // One that is closed would wait for a connection.
      if (stream && !stream.destroyed) (stream as Socket)[call]?.();
    }
  }
}

/** Whole lines of a program's output; ends of lines that are too long are left out. */
export function readLines(stream: Readable, onLine: (line: string) => void): void {
  let rest = "";
  stream.setEncoding("utf8");
  stream.on("error", () => {});
  stream.on("data", (text: string) => {
    const lines = (rest + text).split(/[\r\n]+/);
    rest = lines.pop()!.slice(0, LONGEST_LINE);
    for (const line of lines) if (line !== "") onLine(line.slice(0, LONGEST_LINE));
  });
  stream.on("end", () => {
    if (rest !== "") onLine(rest);
  });
}
