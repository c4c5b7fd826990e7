import { isMainThread, Worker } from "node:worker_threads";
import { type ErrorCode, UnSAMError } from "../errors.js";
import { reasonOf } from "../files/index.js";
import type { ExitGuard } from "./exit-guard.js";
import type { Origin } from "./telemetry.js";

/** What crosses to the worker for one call. */
export interface CallMessage {
  readonly module: string;
  readonly name: string;
  readonly args: readonly unknown[];
}

/** What comes back; `dying`: no answer will come, and why. */
export type ReplyMessage = Reply | { readonly dying: string };

type Reply =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: WireError };

export interface WireError {
  readonly code: ErrorCode | null;
  readonly message: string;
  readonly stack: string | undefined;
}

export interface CallOptions<Result> {
  /** Buffers that move to the worker instead of being copied; they are empty here afterwards. */
  readonly transfer?: readonly ArrayBuffer[];
  readonly signal?: AbortSignal | undefined;
  /** Called with a result that came after its caller had given up, to release what it holds. */
  readonly discard?: (result: Result) => void;
}

/** The functions of a worker-side module, as the other thread sees them. */
type Functions<Module> = {
  [Name in keyof Module as Module[Name] extends (...args: never[]) => unknown ? Name : never]: Module[Name];
};
type Arguments<F> = F extends (...args: infer A) => unknown ? A : never;
type Result<F> = F extends (...args: never[]) => infer R ? Unwrapped<Awaited<R>> : never;
type Unwrapped<R> = R extends { readonly moved: infer Value } ? Value : R;

interface Job {
  readonly message: CallMessage;
  readonly transfer: readonly ArrayBuffer[];
  readonly settle: (reply: Reply) => void;
}

/**
 * One worker thread that runs functions of named modules, one call at a time, in the order they were made.
 * The thread starts with the first call and never keeps the process alive while idle.
 */
export class WorkerThread {
  readonly #name: string;
  readonly #guard: ExitGuard | null;
  #worker: Worker | null = null;
  #running: Job | null = null;
  readonly #queue: Job[] = [];

  constructor(name: string, guard: ExitGuard | null = null) {
    this.#name = name;
    this.#guard = guard;
  }

  /**
   * A typed view of one worker-side module: `thread.bind<typeof import("./x.worker.js")>(url)("f", [args])`.
   */
  bind<Module>(module: URL) {
    return <Name extends keyof Functions<Module> & string>(
      name: Name,
      args: Arguments<Module[Name]>,
      options: CallOptions<Result<Module[Name]>> = {},
    ): Promise<Result<Module[Name]>> => this.#call({ module: module.href, name, args }, options);
  }

  #call<R>(message: CallMessage, options: CallOptions<R>): Promise<R> {
    const { signal, discard } = options;
    return new Promise<R>((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const onAbort = () => {
        const waiting = this.#queue.indexOf(job);
        if (waiting >= 0) this.#queue.splice(waiting, 1);
        reject(signal?.reason);
      };
      const job: Job = {
        message,
        transfer: options.transfer ?? [],
        settle: (reply) => {
          signal?.removeEventListener("abort", onAbort);
          if (!reply.ok) reject(revive(reply.error));
          else if (signal?.aborted) discard?.(reply.value as R);
          else resolve(reply.value as R);
        },
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#queue.push(job);
      this.#next();
    });
  }

  #next(): void {
    if (this.#running) return;
    const job = this.#queue.shift();
    if (!job) {
      this.#worker?.unref();
      return;
    }
    this.#running = job;
    try {
      const worker = this.#start();
      worker.ref();
      worker.postMessage(job.message, job.transfer);
    } catch (cause) {
      this.#fail(`${job.message.name} could not be sent to the ${this.#name} thread: ${reasonOf(cause)}.`);
    }
  }

  #finish(reply: Reply): void {
    const job = this.#running;
    this.#running = null;
    job?.settle(reply);
    this.#next();
  }

  #start(): Worker {
    if (this.#worker) return this.#worker;
    const origin: Origin = { startedByMainThread: isMainThread };
    const worker = new Worker(new URL("./worker-entry.js", import.meta.url), {
      name: this.#name,
      // The process's own flags (--input-type, --import, --inspect …) are meant for the user's code, not for ours.
      execArgv: [],
      workerData: { guard: this.#guard?.cells ?? null, ...origin },
    });
    let why: string | null = null;
    worker.on("message", (reply: ReplyMessage) => {
      if ("dying" in reply) why = reply.dying;
      else this.#finish(reply);
    });
    worker.on("messageerror", (cause) => {
      this.#fail(`An answer of the ${this.#name} thread could not be read: ${reasonOf(cause)}.`);
    });
    // The thread's exit follows, and what it said of the reason before then is better.
    worker.on("error", (cause) => {
      why ??= reasonOf(cause);
    });
    worker.on("exit", (code) => this.#lose(why ?? `it exited with code ${code}`));
    this.#worker = worker;
    return worker;
  }

  /** The thread died (out of memory, or the process is ending): its state is gone, later calls start a new one. */
  #lose(why: string): void {
    this.#worker = null;
    if (this.#running) this.#fail(`The ${this.#name} thread stopped: ${why}. Load the model again.`);
  }

  #fail(message: string): void {
    this.#finish({ ok: false, error: { code: "E_RUNTIME", message, stack: undefined } });
  }
}

export function describe(cause: unknown): WireError {
  if (cause instanceof UnSAMError) return { code: cause.code, message: cause.message, stack: cause.stack };
  if (cause instanceof Error)
    return { code: null, message: cause.message || reasonOf(cause), stack: cause.stack };
  return { code: null, message: reasonOf(cause), stack: undefined };
}

function revive(wire: WireError): Error {
  const error = wire.code ? new UnSAMError(wire.code, wire.message) : new Error(wire.message);
  if (wire.stack) error.stack = wire.stack;
  return error;
}
