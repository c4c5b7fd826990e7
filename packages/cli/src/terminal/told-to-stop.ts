/** Resolves when the process is told to stop: by Ctrl-C, or by SIGTERM. */
export function toldToStop(interrupted: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const stop = () => resolve();
    if (interrupted.aborted) stop();
    interrupted.addEventListener("abort", stop, { once: true });
    process.once("SIGTERM", stop);
  });
}
