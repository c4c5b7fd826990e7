/** Work with a signal that is aborted when any of these is. Nothing of it stays with them afterwards. */
export async function anyOf<Result>(
  signals: readonly (AbortSignal | undefined)[],
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const stop = new AbortController();
  const given = signals.filter((signal) => signal !== undefined);
  const listeners = given.map((signal) => ({ signal, onAbort: () => stop.abort(signal.reason) }));
  for (const { signal, onAbort } of listeners) {
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
  }
  try {
    stop.signal.throwIfAborted();
    return await work(stop.signal);
  } finally {
    for (const { signal, onAbort } of listeners) signal.removeEventListener("abort", onAbort);
  }
}
