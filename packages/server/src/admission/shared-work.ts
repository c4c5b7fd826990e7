interface Shared {
  callers: number;
  readonly stop: AbortController;
  readonly outcome: Promise<unknown>;
}

/** Does one work for all who ask for it under one key. Who gives up leaves; when all have left, the work is stopped. */
export class SharedWork {
  readonly #running = new Map<string, Shared>();

  /** Rejects with what the work rejects with, or with the signal's reason. */
  async run<T>(key: string, signal: AbortSignal, work: (stop: AbortSignal) => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    const shared = this.#join(key, work);
    shared.callers++;
    let onAbort = () => {};
    const leave = new Promise<never>((_, reject) => {
      onAbort = () => reject(signal.reason);
      signal.addEventListener("abort", onAbort, { once: true });
    });
    try {
      return (await Promise.race([shared.outcome, leave])) as T;
    } finally {
      signal.removeEventListener("abort", onAbort);
      shared.callers--;
      if (shared.callers === 0) shared.stop.abort(new DOMException("Nobody waits any more.", "AbortError"));
    }
  }

  #join(key: string, work: (stop: AbortSignal) => Promise<unknown>): Shared {
    const found = this.#running.get(key);
    // One that nobody waits for any more is about to fail.
    if (found && !found.stop.signal.aborted) return found;
    const stop = new AbortController();
    const outcome = work(stop.signal);
    const shared = { callers: 0, stop, outcome };
    this.#running.set(key, shared);
    const forget = () => {
      if (this.#running.get(key) === shared) this.#running.delete(key);
    };
    outcome.then(forget, forget);
    return shared;
  }
}
