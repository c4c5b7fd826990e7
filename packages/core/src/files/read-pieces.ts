import type { Abortable } from "../abortable.js";
import { type ErrorCode, UnSAMError } from "../errors.js";
import { DEFAULT_MAX_FILE_BYTES, HEAD_BYTES, reasonOf } from "./read.js";

export interface ReadPiecesOptions {
  /** Begins sentences about it: "Standard input", "The image “https://…”". */
  readonly name: string;
  /** Code of errors about its content and size (default `E_IO`). */
  readonly code?: ErrorCode | undefined;
  /** No more is read than this (default 1 GiB). */
  readonly maxBytes?: number | undefined;
  readonly signal?: Abortable | undefined;
  /** Is shown the first bytes (4 KiB, or all) as soon as they are there; throws where they will not do. */
  readonly look?: ((head: Uint8Array) => void) | undefined;
}

/**
 * All bytes of what comes piece by piece: standard input, an answer of a server. Like `readFileBytes` it is bounded, and
 * looks at the beginning before it reads on. Throws `code`, what `look` throws, or the signal's reason.
 */
export async function readPieces(
  pieces: AsyncIterable<Uint8Array>,
  options: ReadPiecesOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const { name, code = "E_IO", maxBytes = DEFAULT_MAX_FILE_BYTES, signal, look } = options;
  let bytes = new Uint8Array(HEAD_BYTES);
  let filled = 0;
  let hasLooked = false;
  const lookOnce = () => {
    if (!hasLooked) look?.(bytes.subarray(0, Math.min(filled, HEAD_BYTES)));
    hasLooked = true;
  };
  try {
    for await (const piece of pieces) {
      signal?.throwIfAborted();
      if (filled + piece.length > maxBytes) {
        throw new UnSAMError(code, `${name} has more than ${maxBytes} bytes; at most that many are read.`);
      }
      if (filled + piece.length > bytes.length) {
        const more = new Uint8Array(Math.min(maxBytes, Math.max(2 * bytes.length, filled + piece.length)));
        more.set(bytes.subarray(0, filled));
        bytes = more;
      }
      bytes.set(piece, filled);
      filled += piece.length;
      if (filled >= HEAD_BYTES) lookOnce();
    }
  } catch (cause) {
    signal?.throwIfAborted();
    if (UnSAMError.isInstance(cause)) throw cause;
    throw new UnSAMError(code, `${name} cannot be read: ${reasonOf(cause)}.`, { cause });
  }
  signal?.throwIfAborted();
  lookOnce();
  return bytes.subarray(0, filled);
}
