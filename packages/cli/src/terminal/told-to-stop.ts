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
