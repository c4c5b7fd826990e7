import type { OnProgress, PullProgress } from "./progress.js";

interface Caller {
  readonly onProgress: OnProgress | undefined;
  /** Ends this caller's waiting only. */
  readonly fail: (reason: unknown) => void;
}

interface Shared {
  readonly callers: Set<Caller>;
  readonly stop: AbortController;
  readonly outcome: Promise<unknown>;
}

const running = new Map<string, Shared>();

/**
 * Does one work for all callers of this thread that ask for it under one key. A caller that gives up, or whose `onProgress`
 * throws, leaves; when all have left, the work is stopped.
 */
export async function shareWork<T>(
  key: string,
  { onProgress, signal }: { onProgress?: OnProgress | undefined; signal?: AbortSignal | undefined },
  work: (tell: OnProgress, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  let shared = running.get(key);
  // One that nobody waits for any more is about to fail.
  if (!shared || shared.stop.signal.aborted) {
    shared = begin(work);
    running.set(key, shared);
    const mine = shared;
    const forget = () => running.get(key) === mine && running.delete(key);
    shared.outcome.then(forget, forget);
  }
  const joined = shared;
  let fail: (reason: unknown) => void = () => {};
  const leave = new Promise<never>((_, reject) => {
    fail = reject;
  });
  const caller: Caller = { onProgress, fail };
  const abort = () => fail(signal?.reason);
  signal?.addEventListener("abort", abort, { once: true });
  joined.callers.add(caller);
  try {
    return (await Promise.race([joined.outcome, leave])) as T;
  } finally {
    signal?.removeEventListener("abort", abort);
    joined.callers.delete(caller);
    if (joined.callers.size === 0) {
      joined.stop.abort(new Error("Nobody waits for the download any more."));
      // What was begun is removed before the last caller is told that it has ended.
      await joined.outcome.catch(() => {});
    }
  }
}

function begin<T>(work: (tell: OnProgress, signal: AbortSignal) => Promise<T>): Shared {
  const callers = new Set<Caller>();
  const stop = new AbortController();
  const tell = (progress: PullProgress) => {
    for (const { onProgress, fail } of callers) {
      try {
        onProgress?.(progress);
      } catch (problem) {
        fail(problem);
      }
    }
  };
  // Begins when the first caller has joined, so that the caller gets every report.
  const outcome = Promise.resolve().then(() => work(tell, stop.signal));
  return { callers, stop, outcome };
}
