/** Resolves when the process is told to stop: by Ctrl-C, or by SIGTERM. After `over` it does so no more. */
export function toldToStop(interrupted: AbortSignal, over?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const stop = () => resolve();
    if (interrupted.aborted) stop();
    interrupted.addEventListener("abort", stop, { once: true });
    process.once("SIGTERM", stop);
    over?.addEventListener("abort", () => {
      interrupted.removeEventListener("abort", stop);
      process.removeListener("SIGTERM", stop);
    });
  });
}

/** Aborts when the process is told to stop; after `end` it does so no more. */
export function stopSignal(
  interrupted: AbortSignal,
  onStop: () => void = () => {},
): { readonly signal: AbortSignal; end(): void } {
  const stop = new AbortController();
  const over = new AbortController();
  void toldToStop(interrupted, over.signal).then(() => {
    onStop();
    stop.abort(new Error("Told to stop."));
  });
  return { signal: stop.signal, end: () => over.abort() };
}
