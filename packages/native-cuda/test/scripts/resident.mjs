/** Memory of the process once garbage is collected, in MiB (node --expose-gc). */
export async function resident() {
  // Finalizers run after the collection, in a turn of the event loop of their own.
  for (let i = 0; i < 5; i++) {
    globalThis.gc();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return process.memoryUsage.rss() / 2 ** 20;
}
