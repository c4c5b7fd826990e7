/** What work needs to know of an `AbortSignal`, in whichever thread it runs. */
export interface Abortable {
  readonly aborted: boolean;
  /** Throws once the caller has given up. */
  throwIfAborted(): void;
}

/** An abort as it crosses to a worker thread: one cell of shared memory, not 0 once aborted. Null: it never is. */
export type AbortCell = Int32Array<SharedArrayBuffer> | null;

/**
 * Caller's side: makes a call to a worker thread that looks at the signal in the midst of its work. The call itself
 * rejects at once; the cell is what ends the work behind it.
 */
export async function withAbortCell<T>(
  signal: AbortSignal | undefined,
  call: (cell: AbortCell) => Promise<T>,
): Promise<T> {
  if (!signal) return call(null);
  const cell = new Int32Array(new SharedArrayBuffer(4));
  const set = () => void Atomics.store(cell, 0, 1);
  if (signal.aborted) set();
  signal.addEventListener("abort", set, { once: true });
  try {
    return await call(cell);
  } finally {
    signal.removeEventListener("abort", set);
  }
}

/** Worker's side of `withAbortCell`. */
export function abortableOf(cell: AbortCell): Abortable {
  const isSet = () => cell !== null && Atomics.load(cell, 0) !== 0;
  return {
    get aborted() {
      return isSet();
    },
    throwIfAborted() {
      // Nobody hears it: the caller was told its own signal's reason.
      if (isSet()) throw new DOMException("The caller has given up.", "AbortError");
    },
  };
}
