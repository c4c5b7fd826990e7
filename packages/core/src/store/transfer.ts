import { isLfsPointer, isWebPage } from "../checkpoint/other-files.js";
import { UnSAMError } from "../errors.js";
import type { PartFile } from "../files/index.js";
import { Digest, type Sum } from "./digest.js";
import { type Answer, failed, lengthOf, PassingFault, passing, type Requests } from "./requests.js";
import { type RetryOptions, withRetries } from "./retry.js";
import { checkStatus, type Wanted } from "./statuses.js";
import { refuseWebPage, webPage } from "./web-page.js";

/** Slower than this for as long as `idleMs`, and the connection is given up. */
const SLOWEST_BYTES = 1024;
/** Enough to tell a web page and a pointer of Git LFS from weights. */
const HEAD = 64;

export interface Transfer {
  readonly url: string;
  readonly wanted: Wanted;
  /** Of the whole file; null: not known before the server says it. */
  readonly bytes: number | null;
  readonly sum: Sum | null;
  /**
   * An ETag or a date of what is in the part already, which is only continued where the server still has that. null: nothing
   * tells versions of the file apart, so every attempt begins anew. Left out: there is only one version.
   */
  readonly ifRange?: string | null;
  readonly maxBytes: number;
  readonly idleMs: number;
  readonly onBytes: (bytes: number, total: number | null) => void;
}

export interface Transferred {
  readonly bytes: number;
  readonly sha256: string;
}

/**
 * Brings the rest of a file into `part`, over as many connections as it takes, and compares it with its sum and size. On a
 * mismatch the part is emptied; what was begun earlier is then tried once more from the start.
 * Throws `E_DOWNLOAD`, `E_IO`, or the signal's reason; the part stays for another attempt.
 */
export async function transfer(
  requests: Requests,
  part: PartFile,
  job: Transfer,
  retry: RetryOptions,
): Promise<Transferred> {
  for (let hadOlder = part.size > 0; ; hadOlder = false) {
    if (job.bytes !== null && part.size > job.bytes) await part.empty();
    const digest = new Digest(job.sum, job.bytes);
    await part.read((piece) => digest.update(piece), retry.signal);
    const state: State = { digest, total: job.bytes };
    await withRetries(() => once(requests, part, job, state, retry.signal), {
      ...retry,
      reached: () => part.size,
    });
    const { sha256, matches } = state.digest.end();
    if (matches) return { bytes: part.size, sha256 };
    await part.empty();
    if (hadOlder) continue;
    throw failed(
      `What came for ${job.wanted.what} is not that file: its SHA-256 is ${sha256}` +
        `${job.sum?.kind === "sha256" ? `, not ${job.sum.hex}` : ""}; nothing was kept`,
    );
  }
}

interface State {
  digest: Digest;
  total: number | null;
}

/** One connection. */
async function once(
  requests: Requests,
  part: PartFile,
  job: Transfer,
  state: State,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (state.total !== null && part.size === state.total) return;
  if (part.size > 0 && job.ifRange === null) await startOver(part, job, state);
  const from = part.size;
  const range: Record<string, string> = from > 0 ? { range: `bytes=${from}-` } : {};
  if (from > 0 && job.ifRange) range["if-range"] = job.ifRange;
  const answer = await requests.send(job.url, { method: "GET", headers: range, signal });
  try {
    if (answer.status === 416) {
      await startOver(part, job, state);
      throw new PassingFault(`${answer.url.host} does not have the range that is missing`);
    }
    checkStatus(answer, job.wanted);
    const total = await begin(answer, part, job, state);
    if (total !== null) await part.checkRoom(total - part.size);
    await pour(answer, part, job, state, signal);
  } finally {
    answer.close();
  }
}

/** Checks what a server announces; where it sends the whole file, the part is begun anew. Returns the whole size. */
async function begin(answer: Answer, part: PartFile, job: Transfer, state: State): Promise<number | null> {
  const { host } = answer.url;
  const { what } = job.wanted;
  checkType(answer, what);
  let total = lengthOf(answer.header("content-length"));
  if (answer.status === 206) {
    const [, first, size] =
      /^bytes (\d{1,15})-\d{1,15}\/(\d{1,15}|\*)$/.exec(answer.header("content-range") ?? "") ?? [];
    if (Number(first) !== part.size) {
      await startOver(part, job, state);
      throw new PassingFault(`${host} sends another range than was asked for`);
    }
    total = lengthOf(size ?? null);
  } else if (answer.status !== 200) {
    throw failed(`${host} answers with the status ${answer.status}, which no file comes with`);
  } else if (part.size > 0) {
    await startOver(part, job, state);
  }
  if (total !== null && state.total !== null && total !== state.total) {
    throw failed(`${host} sends ${total} bytes for ${what}, which has ${state.total}; nothing was taken`);
  }
  state.total ??= total;
  if ((state.total ?? 0) > job.maxBytes) {
    throw failed(`${what} has ${state.total} bytes; at most ${job.maxBytes} are downloaded`);
  }
  return state.total;
}

async function startOver(part: PartFile, job: Transfer, state: State): Promise<void> {
  await part.empty();
  state.digest = new Digest(job.sum, job.bytes);
}

/** Writes what comes, and never more than was announced. */
async function pour(
  answer: Answer,
  part: PartFile,
  job: Transfer,
  state: State,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { host } = answer.url;
  let fresh = 0;
  let atLastLook = 0;
  let isSlow = false;
  const watch = setInterval(() => {
    if (fresh - atLastLook >= SLOWEST_BYTES) atLastLook = fresh;
    else {
      isSlow = true;
      answer.close();
    }
  }, job.idleMs);
  const abort = () => answer.close();
  signal?.addEventListener("abort", abort, { once: true });
  const limit = state.total ?? job.maxBytes;
  let head: Uint8Array | null = part.size === 0 ? new Uint8Array(0) : null;
  const keep = async (piece: Uint8Array): Promise<void> => {
    await part.append(piece);
    state.digest.update(piece);
    job.onBytes(part.size, state.total);
  };
  try {
    for await (const data of answer.pieces) {
      let piece = data;
      signal?.throwIfAborted();
      fresh += piece.length;
      if (head !== null) {
        piece = Buffer.concat([head, piece]);
        head = piece.length < HEAD ? piece : null;
        if (head !== null) continue;
        checkHead(piece, host, job.wanted.what);
      }
      if (part.size + piece.length > limit) {
        await part.empty();
        throw failed(
          `${host} sends more than the ${limit} bytes of ${job.wanted.what}; it was cut off, nothing was kept`,
        );
      }
      await keep(piece);
    }
    if (head !== null) {
      checkHead(head, host, job.wanted.what);
      await keep(head);
    }
  } catch (cause) {
    signal?.throwIfAborted();
    if (isSlow) throw new PassingFault(`${host}: it has stopped sending`, null, cause);
    throw cause instanceof PassingFault || UnSAMError.isInstance(cause) ? cause : passing(answer.url, cause);
  } finally {
    clearInterval(watch);
    signal?.removeEventListener("abort", abort);
  }
  signal?.throwIfAborted();
  if (isSlow) throw new PassingFault(`${host}: it has stopped sending`);
  if (state.total !== null && part.size < state.total)
    throw new PassingFault(`${host}: the connection was cut`);
}

function checkType(answer: Answer, what: string): void {
  const { host } = answer.url;
  refuseWebPage(answer, what);
  const encoding = answer.header("content-encoding");
  if (encoding !== null && !/^\s*(?:identity)?\s*$/i.test(encoding)) {
    throw failed(`${host} sends ${what} packed (${encoding.slice(0, 40)}), which was not asked for`);
  }
}

function checkHead(head: Uint8Array, host: string, what: string): void {
  const text = Buffer.from(head.subarray(0, HEAD)).toString("latin1").trimStart();
  if (isWebPage(text)) throw webPage(host, what);
  if (isLfsPointer(text)) {
    throw failed(
      `${host} sends a pointer of Git LFS instead of ${what}; give the address of the file itself (/resolve/)`,
    );
  }
}
