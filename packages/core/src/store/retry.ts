import { setTimeout } from "node:timers/promises";
import { failed, PassingFault } from "./requests.js";

/** Attempts in a row that bring nothing. */
const MOST_FRUITLESS = 5;
const MOST_ATTEMPTS = 200;
const LONGEST_WAIT_MS = 10_000;
/** A server that wants more patience than this is given up. */
const LONGEST_ASKED_MS = 5 * 60_000;

export interface RetryOptions {
  readonly signal?: AbortSignal | undefined;
  /** Wait after the first fruitless attempt, ms; doubled each time (default 500). */
  readonly retryMs?: number | undefined;
  /** What has been reached, where that may grow: an attempt that brings much does not count. */
  readonly reached?: (() => number) | undefined;
  /** Is told why there is another attempt. */
  readonly onRetry?: ((reason: string) => void) | undefined;
}

/** Less than this is no progress: a server may send a byte at a time. */
const WORTH_BYTES = 1024;

/** Repeats what fails for a reason that may pass. Throws `E_DOWNLOAD` once it has failed too often. */
export async function withRetries<T>(attempt: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { signal, retryMs = 500, reached, onRetry } = options;
  let fruitless = 0;
  for (let count = 1; ; count++) {
    const before = reached?.() ?? 0;
    try {
      return await attempt();
    } catch (fault) {
      signal?.throwIfAborted();
      if (!(fault instanceof PassingFault)) throw fault;
      fruitless = (reached?.() ?? 0) - before >= WORTH_BYTES ? 0 : fruitless + 1;
      if (fruitless >= MOST_FRUITLESS || count >= MOST_ATTEMPTS) {
        throw failed(`${fault.message} (tried ${count} times); try again later`, fault);
      }
      const asked = fault.waitMs ?? 0;
      if (asked > LONGEST_ASKED_MS) {
        throw failed(
          `${fault.message}, and asks to wait ${Math.ceil(asked / 1000)} s; try again then`,
          fault,
        );
      }
      onRetry?.(fault.message);
      const backoff = Math.min(LONGEST_WAIT_MS, retryMs * 2 ** Math.max(0, fruitless - 1));
      // Processes that failed together should not come back together.
      const wait = Math.max(asked, backoff * (0.5 + Math.random() / 2));
      await setTimeout(wait, undefined, { signal }).catch(() => signal?.throwIfAborted());
    }
  }
}
