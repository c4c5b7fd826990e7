import { isMainThread, workerData } from "node:worker_threads";
import type { Abortable } from "../abortable.js";

/** What every thread of ours gets when it starts. */
export interface ThreadData {
  /** Cells of the exit guard; null on threads that run no ONNX Runtime. */
  readonly guard: Int32Array | null;
  /** One cell: the number of a call that nobody waits for any more. */
  readonly stop: Int32Array;
}

/** For work outside of JavaScript: the call is given up once the cell holds the value. */
export interface AbortCell {
  readonly cell: Int32Array;
  readonly value: number;
}

let current = 0;

/** Worker side: which call is under way. */
export function beginCall(number: number): void {
  current = number;
}

/** Worker side: whether the caller of the call under way has given up in the meantime; elsewhere nobody ever has. */
export const callersAbort: Abortable = {
  get aborted() {
    if (isMainThread || current === 0) return false;
    return Atomics.load((workerData as ThreadData).stop, 0) === current;
  },
  throwIfAborted() {
    // Nobody receives it: the caller has already been given its own signal's reason.
    if (callersAbort.aborted) throw new DOMException("The caller has given up.", "AbortError");
  },
};

/** Worker side: what tells that the caller of the call under way has given up; null where nobody ever has. */
export function callersAbortCell(): AbortCell | null {
  if (isMainThread || current === 0) return null;
  return { cell: (workerData as ThreadData).stop, value: current };
}
