import type { FileHandle } from "node:fs/promises";
import type { Abortable } from "../abortable.js";

const PIECE = 2 ** 20;

/** The bytes of an opened file from its beginning, a piece at a time, which holds until the next one is asked for. */
export async function* piecesOf(
  handle: FileHandle,
  signal: Abortable | undefined,
): AsyncGenerator<Uint8Array> {
  const piece = new Uint8Array(PIECE);
  for (let at = 0; ; ) {
    signal?.throwIfAborted();
    const { bytesRead } = await handle.read(piece, 0, PIECE, at);
    if (bytesRead === 0) return;
    at += bytesRead;
    yield piece.subarray(0, bytesRead);
  }
}
