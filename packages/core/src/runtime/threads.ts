import { availableParallelism } from "node:os";
import { ExitGuard } from "./exit-guard.js";
import { turnTelemetryOffFirst } from "./telemetry.js";
import { ThreadGroup } from "./thread-group.js";

let inference: ThreadGroup | null = null;
let compute: ThreadGroup | null = null;

/** The one thread of this process that owns ONNX Runtime and its sessions: their `run` blocks its thread. */
export function inferenceThread(): ThreadGroup {
  turnTelemetryOffFirst();
  inference ??= new ThreadGroup("UnSAM inference", { size: 1, guard: new ExitGuard() });
  return inference;
}

/**
 * The threads for heavy plain TypeScript (region trees, masks at image size), never held up by the encoder: as many for
 * bulk work as `bulkThreads`, and one that answers clicks beside them.
 */
export function computeThreads(): ThreadGroup {
  compute ??= new ThreadGroup("UnSAM compute", { size: bulkThreads(), reserved: true });
  return compute;
}

/** Threads for bulk work unless more are asked for: one core is left to whatever else the process does. */
export function bulkThreads(): number {
  return Math.max(1, Math.min(availableParallelism() - 1, mostBulkThreads()));
}

/** Lets bulk work use at least so many threads, as far as that is wise. */
export function useBulkThreads(count: number): void {
  computeThreads().grow(Math.min(count, mostBulkThreads()));
}

/**
 * Each thread has at most one call into the addon under way, which takes a thread of libuv's pool (four, or
 * `UV_THREADPOOL_SIZE`). Two of these stay free, for decoding photos and for the native decoder's answers.
 */
function mostBulkThreads(): number {
  return Math.max(1, (Number(process.env.UV_THREADPOOL_SIZE) || 4) - 2);
}
