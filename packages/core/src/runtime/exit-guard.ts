import { workerData } from "node:worker_threads";

const RUNNING = 0;
const STOPPING = 1;
const WAIT_LIMIT_MS = 60_000;

/**
 * Keeps the process from tearing a worker thread down in the middle of an ONNX Runtime call: its binding cannot
 * raise the resulting error and aborts the whole process (exit code 134). Both threads share two cells; at exit the
 * main thread waits until the call in flight has returned, and no further one begins.
 */
export class ExitGuard {
  static readonly #all: Int32Array[] = [];
  readonly cells: Int32Array;

  /** Main-thread side. */
  constructor() {
    const cells = new Int32Array(new SharedArrayBuffer(8));
    this.cells = cells;
    ExitGuard.#all.push(cells);
    process.once("exit", () => {
      Atomics.store(cells, STOPPING, 1);
      while (Atomics.load(cells, RUNNING) === 1) {
        if (Atomics.wait(cells, RUNNING, 1, WAIT_LIMIT_MS) === "timed-out") return;
      }
    });
  }

  /** Whether the process's exit would have to wait for a call. */
  static get isWaitedFor(): boolean {
    return ExitGuard.#all.some((cells) => Atomics.load(cells, RUNNING) === 1);
  }
}

/** Worker side: runs one native call that must not be interrupted by the process's exit. */
export async function guarded<T>(call: () => Promise<T>): Promise<T> {
  const cells = (workerData as { guard: Int32Array | null } | null)?.guard;
  if (!cells) return call();
  Atomics.store(cells, RUNNING, 1);
  try {
    if (Atomics.load(cells, STOPPING) === 1) throw new Error("The process is exiting.");
    return await call();
  } finally {
    Atomics.store(cells, RUNNING, 0);
    Atomics.notify(cells, RUNNING);
  }
}
