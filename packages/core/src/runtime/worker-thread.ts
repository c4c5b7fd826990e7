import { isMainThread, type MessagePort, Worker } from "node:worker_threads";
import { UnSAMError } from "../errors.js";
import { reasonOf } from "../files/index.js";
import type { ThreadData } from "./callers-abort.js";
import type { ExitGuard } from "./exit-guard.js";
import { Handle } from "./handle.js";
import { errorOf, type FromWorker, type ToWorker } from "./messages.js";
import type { Origin } from "./telemetry.js";

/** One call on its way to a thread. */
export interface ThreadCall {
  readonly module: string;
  readonly name: string;
  /** Handles among them stand for what lives on the thread. */
  readonly args: readonly unknown[];
  /** Buffers and ports that move to the thread. */
  readonly transfer: readonly (ArrayBuffer | MessagePort)[];
  readonly settle: (reply: Reply) => void;
}

export type Reply =
  | { readonly ok: true; readonly value: unknown; readonly handles: readonly Handle<unknown>[] }
  | { readonly ok: false; readonly error: Error };

interface Releasing {
  resolve(): void;
  reject(error: Error): void;
}

export interface ThreadOptions {
  readonly name: string;
  readonly guard: ExitGuard | null;
  /** The thread has nothing to do, or it is gone (`alive` tells). */
  readonly onFree: () => void;
}

/**
 * One worker thread, from its start to its end. It takes one call at a time; what calls leave on it ends with it. It
 * never keeps the process alive while idle.
 */
export class WorkerThread {
  /** The end of the process stops what they do, for it waits for work outside of JavaScript. */
  static readonly #living = new Set<WorkerThread>();
  static readonly #stopAll = () => {
    for (const thread of WorkerThread.#living) if (thread.#running) thread.stop(thread.#running);
  };
  readonly #options: ThreadOptions;
  readonly #worker: Worker;
  readonly #stop = new Int32Array(new SharedArrayBuffer(4));
  #calls = 0;
  #running: ThreadCall | null = null;
  /** What the thread said of its end. */
  #why: string | null = null;
  /** Why it stopped; null while it lives. */
  #lost: Error | null = null;
  readonly #releasing = new Map<number, Releasing>();
  readonly #forgotten = new FinalizationRegistry<number>((id) => {
    this.#post({ kind: "release", id });
  });

  constructor(options: ThreadOptions) {
    this.#options = options;
    const data: ThreadData & Origin = {
      guard: options.guard?.cells ?? null,
      stop: this.#stop,
      startedByMainThread: isMainThread,
    };
    this.#worker = new Worker(new URL("./worker-entry.js", import.meta.url), {
      name: options.name,
      // The process's own flags (--input-type, --import, --inspect …) are meant for the user's code, not for ours.
      execArgv: [],
      workerData: data,
    });
    this.#worker.on("message", (message: FromWorker) => this.#receive(message));
    this.#worker.on("messageerror", (cause) => {
      this.#fail(`An answer of the ${options.name} thread could not be read: ${reasonOf(cause)}.`);
    });
    // The thread's exit follows, and what it said of the reason before then is better.
    this.#worker.on("error", (cause) => {
      this.#why ??= reasonOf(cause);
    });
    this.#worker.on("exit", (code) => this.#lose(this.#why ?? `it exited with code ${code}`));
    this.#worker.unref();
    if (WorkerThread.#living.size === 0) process.on("exit", WorkerThread.#stopAll);
    WorkerThread.#living.add(this);
  }

  get busy(): boolean {
    return this.#running !== null;
  }

  /** Why the thread stopped; null while it lives. */
  get lost(): Error | null {
    return this.#lost;
  }

  /** Runs a call; the thread must not be busy. */
  run(call: ThreadCall): void {
    this.#running = call;
    this.#calls = (this.#calls + 1) | 0;
    const handles: [number, number][] = [];
    const args = call.args.map((value, place) => {
      if (!(value instanceof Handle)) return value;
      handles.push([place, value.id]);
      return null;
    });
    const { module, name, transfer } = call;
    try {
      this.#post({ kind: "call", number: this.#calls, module, name, args, handles }, transfer);
    } catch (cause) {
      this.#fail(`${name} could not be sent to the ${this.#options.name} thread: ${reasonOf(cause)}.`);
    }
  }

  /** Tells the call under way that nobody waits for it any more; it may end early, and its result is let go. */
  stop(call: ThreadCall): void {
    if (this.#running === call) Atomics.store(this.#stop, 0, this.#calls);
  }

  release(handle: Handle<unknown>): Promise<void> {
    this.#forgotten.unregister(handle);
    if (this.#lost) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#releasing.set(handle.id, { resolve, reject });
      this.#post({ kind: "release", id: handle.id });
    });
  }

  #post(message: ToWorker, transfer: ThreadCall["transfer"] = []): void {
    if (this.#lost) return;
    this.#worker.postMessage(message, transfer);
    this.#hold();
  }

  /** The process waits for calls and releases, not for an idle thread. */
  #hold(): void {
    if (this.#running || this.#releasing.size > 0) this.#worker.ref();
    else this.#worker.unref();
  }

  #receive(message: FromWorker): void {
    if (message.kind === "dying") {
      this.#why = message.why;
    } else if (message.kind === "released") {
      const releasing = this.#releasing.get(message.id);
      this.#releasing.delete(message.id);
      this.#hold();
      if (message.error) releasing?.reject(errorOf(message.error));
      else releasing?.resolve();
    } else if (message.kind === "failed") {
      this.#finish({ ok: false, error: errorOf(message.error) });
    } else {
      this.#finish(this.#withHandles(message));
    }
  }

  #withHandles({ value, kept }: Extract<FromWorker, { kind: "result" }>): Reply {
    const handles = kept.map(({ id, gone }) => {
      const handle = new Handle<unknown>(this, id, gone);
      this.#forgotten.register(handle, id, handle);
      return handle;
    });
    if (kept.length === 1 && kept[0].key === null) return { ok: true, value: handles[0], handles };
    const fields = kept.map(({ key }, i) => [key, handles[i]]);
    const whole = kept.length > 0 ? { ...(value as object), ...Object.fromEntries(fields) } : value;
    return { ok: true, value: whole, handles };
  }

  #finish(reply: Reply): void {
    const call = this.#running;
    this.#running = null;
    this.#hold();
    call?.settle(reply);
    this.#options.onFree();
  }

  #fail(message: string): void {
    this.#finish({ ok: false, error: new UnSAMError("E_RUNTIME", message) });
  }

  /** The thread died (out of memory, or the process is ending): what lived on it is gone. */
  #lose(why: string): void {
    WorkerThread.#living.delete(this);
    if (WorkerThread.#living.size === 0) process.off("exit", WorkerThread.#stopAll);
    const message = `The ${this.#options.name} thread stopped: ${why}. Load the model again.`;
    this.#lost = new UnSAMError("E_RUNTIME", message);
    for (const { resolve } of this.#releasing.values()) resolve();
    this.#releasing.clear();
    this.#finish({ ok: false, error: this.#lost });
  }
}
