import { UnSAMError } from "../errors.js";
import { readPieces, reasonOf, shown } from "../files/index.js";
import { failed, lengthOf, PassingFault, Requests, withoutQuery } from "./requests.js";
import { hubSettings } from "./settings.js";
import { checkStatus } from "./statuses.js";
import { refuseWebPage } from "./web-page.js";

export interface FetchOptions {
  /** What it is, in sentences: "image". */
  readonly what: string;
  /** Larger answers are refused, by what they announce or once they send more. */
  readonly maxBytes: number;
  /** For all of it: connection, redirects and content. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Is shown the first bytes before the rest is read; throws where they will not do. */
  readonly look: (head: Uint8Array) => void;
}

/**
 * The content of an `http(s):` address that the user asked to be fetched, in memory. Redirects are followed ten times at
 * most, only to `http(s):`, and from `https:` only to `https:`; no token and no cookie is sent. It is tried once.
 * Throws `E_DOWNLOAD`, `E_OFFLINE`, `E_BAD_OPTION`, what `look` throws, or the signal's reason.
 */
export async function fetchBytes(address: string, options: FetchOptions): Promise<Uint8Array<ArrayBuffer>> {
  const { what, timeoutMs, signal } = options;
  const url = addressOf(address, what);
  const settings = hubSettings();
  const named = `The ${what} ${shown(withoutQuery(url))}`;
  if (settings.offline) {
    throw new UnSAMError("E_OFFLINE", `${named} is not fetched, for UNSAM_OFFLINE or HF_HUB_OFFLINE is set.`);
  }
  signal.throwIfAborted();
  const timeout = AbortSignal.timeout(timeoutMs);
  const requests = new Requests(settings.endpoint, null, settings.idleMs);
  try {
    return await once(requests, url, named, { ...options, signal: AbortSignal.any([signal, timeout]) });
  } catch (cause) {
    signal.throwIfAborted();
    if (timeout.aborted) throw failed(`${named} has not come within ${timeoutMs / 1000} s`, cause);
    if (cause instanceof PassingFault) throw failed(`${named} could not be fetched: ${cause.message}`, cause);
    throw cause;
  } finally {
    await requests.close();
  }
}

async function once(
  requests: Requests,
  url: URL,
  named: string,
  { what, maxBytes, signal, look }: FetchOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const answer = await requests.send(url.href, { method: "GET", signal });
  const close = () => answer.close();
  signal.addEventListener("abort", close, { once: true });
  try {
    const place = withoutQuery(answer.url);
    checkStatus(answer, { what: place, page: null, hasToken: false });
    if (answer.status !== 200) {
      throw failed(`${answer.url.host} answers with the status ${answer.status}, which no file comes with`);
    }
    refuseWebPage(answer, `the ${what}`);
    const total = lengthOf(answer.header("content-length"));
    if (total !== null && total > maxBytes) throw tooLarge(named, total, maxBytes);
    const bytes = await readPieces(answer.pieces, {
      name: named,
      code: "E_DOWNLOAD",
      maxBytes,
      signal,
      look,
    });
    if (total !== null && bytes.length < total) throw new PassingFault("the connection was cut");
    return bytes;
  } finally {
    signal.removeEventListener("abort", close);
    answer.close();
  }
}

function tooLarge(named: string, bytes: number, most: number): UnSAMError {
  return failed(`${named} has ${bytes} bytes; at most ${most} are downloaded`);
}

function addressOf(address: string, what: string): URL {
  let url: URL;
  try {
    url = new URL(address);
  } catch (cause) {
    throw new UnSAMError("E_BAD_OPTION", `The ${what} ${shown(address)} is no address: ${reasonOf(cause)}.`);
  }
  if (url.username !== "" || url.password !== "") {
    throw new UnSAMError(
      "E_BAD_OPTION",
      `The address ${shown(withoutQuery(url))} carries a user's name or password, which are not sent; give it without them.`,
    );
  }
  url.hash = "";
  return url;
}
