import { createServer } from "@unsam/server";

const MEGABYTE = 2 ** 20;

/**
 * A service that answers clicks on photos (docs/service.md). What could not be answered within four seconds, by what was
 * measured, is refused with 503 and `Retry-After`; a request that does not arrive within `requestTimeoutMs` is cut off.
 */
export function clickService({ cacheBytes = 512 * MEGABYTE, requestTimeoutMs = 10_000 } = {}) {
  return createServer({
    // Of the built-in models the quicker one: a client waits five seconds, and nano takes as long for 12 megapixels here.
    load: { model: "region-tree" },
    limits: { pixels: 25_000_000, encodesAtOnce: 1, answerWithinMs: 4000 },
    cache: { bytes: cacheBytes },
    // All clients of the try-outs have one address.
    rate: false,
    measure: true,
    requestTimeoutMs,
  });
}
