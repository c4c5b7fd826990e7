import type { Readable } from "node:stream";

/** So much may wait to be written; then no more is read from the connection. */
const MOST_WAITING = 2 ** 20;

/**
 * What comes from a connection, piece by piece, and its failure only after everything that came before it: a stream that is
 * read directly drops what it still holds when its connection is cut. To be called as soon as there is a stream, for
 * what happens to it before is not noticed.
 */
export function piecesOf(body: Readable): AsyncIterable<Uint8Array> {
  const waiting: Uint8Array[] = [];
  let bytes = 0;
  let hasEnded = false;
  let failure: unknown = null;
  let wake = () => {};
  const end = (cause?: unknown) => {
    hasEnded = true;
    failure ??= cause ?? null;
    wake();
  };
  body.on("data", (piece: Uint8Array) => {
    waiting.push(piece);
    bytes += piece.length;
    if (bytes >= MOST_WAITING) body.pause();
    wake();
  });
  body.on("end", () => end());
  body.on("error", end);
  body.on("close", () => end());

  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const piece = waiting.shift();
      if (piece) {
        bytes -= piece.length;
        if (bytes < MOST_WAITING) body.resume();
        yield piece;
      } else if (hasEnded) {
        if (failure !== null) throw failure;
        return;
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  }
  return pieces();
}
