import type { Dispatcher } from "undici";
import { UnSAMError } from "../errors.js";
import { reasonOf, shown } from "../files/index.js";
import { piecesOf } from "./pieces.js";

const MOST_REDIRECTS = 10;
const CONNECT_MS = 15_000;

/** What went wrong may go right next time. */
export class PassingFault extends Error {
  /** What the server asks to wait, ms; null: it says nothing. */
  readonly waitMs: number | null;

  constructor(message: string, waitMs: number | null = null, cause?: unknown) {
    super(message, { cause });
    this.waitMs = waitMs;
  }
}

export interface Answer {
  readonly status: number;
  /** What was asked last, after redirects. */
  readonly url: URL;
  header(name: string): string | null;
  /** The content, as it comes; to be read once. */
  readonly pieces: AsyncIterable<Uint8Array>;
  /** Does without the rest. */
  close(): void;
}

export interface RequestOptions {
  readonly method: "GET" | "HEAD";
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
  /** Stop at a redirect to another host, and answer with it. */
  readonly stayOnHost?: boolean;
  /** Is shown each redirect on the way. */
  readonly onRedirect?: (answer: Answer) => void;
}

/**
 * Requests over the user's proxies (`HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`). The token goes to the hub's own origin and
 * nowhere else. Opens no connection before the first request; `close` ends what is left of them.
 */
export class Requests {
  readonly #hub: URL;
  readonly #token: string | null;
  readonly #idleMs: number;
  #dispatcher: Promise<Dispatcher> | null = null;

  constructor(endpoint: string, token: string | null, idleMs: number) {
    this.#hub = new URL(endpoint);
    this.#token = token;
    this.#idleMs = idleMs;
  }

  get hasToken(): boolean {
    return this.#token !== null;
  }

  /** Follows redirects. Throws `E_DOWNLOAD`, `PassingFault`, or the signal's reason. */
  async send(address: string, options: RequestOptions): Promise<Answer> {
    let url = new URL(address);
    for (let hop = 0; hop <= MOST_REDIRECTS; hop++) {
      const answer = await this.#ask(url, options);
      const location = answer.status >= 300 && answer.status < 400 ? answer.header("location") : null;
      if (location === null) return answer;
      const next = this.#next(url, location);
      if (options.stayOnHost && next.origin !== url.origin) return answer;
      options.onRedirect?.(answer);
      answer.close();
      url = next;
    }
    throw failed(
      `${shown(withoutQuery(address))} leads from one address to the next, more than ${MOST_REDIRECTS} times`,
    );
  }

  async close(): Promise<void> {
    const dispatcher = await this.#dispatcher?.catch(() => null);
    await dispatcher?.destroy().catch(() => {});
  }

  #next(url: URL, location: string): URL {
    let next: URL;
    try {
      next = new URL(location, url);
    } catch (cause) {
      throw failed(`${url.host} leads to an address that is none`, cause);
    }
    const isSafe = next.protocol === "https:" || (next.protocol === "http:" && url.protocol === "http:");
    if (!isSafe) {
      const why = next.protocol === "http:" ? "is not encrypted" : "is no address of the web";
      throw failed(`${url.host} leads to ${next.protocol}//${next.host}, which ${why}`);
    }
    next.username = "";
    next.password = "";
    return next;
  }

  async #ask(url: URL, { method, headers, signal }: RequestOptions): Promise<Answer> {
    signal?.throwIfAborted();
    this.#dispatcher ??= openDispatcher(this.#idleMs);
    const [{ request }, dispatcher] = await Promise.all([import("undici"), this.#dispatcher]);
    const authorization = this.#token !== null && this.#mayHaveToken(url) ? `Bearer ${this.#token}` : null;
    try {
      const {
        statusCode,
        headers: got,
        body,
      } = await request(url, {
        method,
        dispatcher,
        ...(signal ? { signal } : {}),
        headers: {
          // Sizes and ranges are those of the file itself.
          "accept-encoding": "identity",
          "user-agent": "unsam",
          ...headers,
          ...(authorization ? { authorization } : {}),
        },
      });
      return {
        status: statusCode,
        url,
        header: (name) => [got[name]].flat()[0] ?? null,
        pieces: piecesOf(body),
        close: () => void body.destroy(),
      };
    } catch (cause) {
      signal?.throwIfAborted();
      throw passing(url, cause);
    }
  }

  /** The hub's own origin, and never in clear over a network. */
  #mayHaveToken(url: URL): boolean {
    const isPrivate = url.protocol === "https:" || /^(?:localhost|127\.|\[::1\])/.test(url.hostname);
    return url.origin === this.#hub.origin && isPrivate;
  }
}

async function openDispatcher(idleMs: number): Promise<Dispatcher> {
  const { EnvHttpProxyAgent } = await import("undici");
  try {
    return new EnvHttpProxyAgent({
      connect: { timeout: CONNECT_MS },
      headersTimeout: idleMs,
      bodyTimeout: idleMs,
    });
  } catch (cause) {
    throw failed("HTTPS_PROXY or HTTP_PROXY is no address of a proxy", cause);
  }
}

/** A connection that could not be made or was cut. */
export function passing(url: URL, cause: unknown): PassingFault {
  const { code, cause: deeper } = cause as { code?: unknown; cause?: unknown };
  const reason = typeof code === "string" ? CODES[code] : undefined;
  return new PassingFault(
    `${url.host}: ${reason ?? reasonOf(deeper instanceof Error ? deeper : cause)}`,
    null,
    cause,
  );
}

const CODES: Readonly<Record<string, string>> = {
  ENOTFOUND: "there is no such host, or no network",
  EAI_AGAIN: "the host's name cannot be looked up; is there a network?",
  ECONNREFUSED: "it takes no connection",
  ECONNRESET: "the connection was cut",
  UND_ERR_SOCKET: "the connection was cut",
  UND_ERR_CONNECT_TIMEOUT: "it does not answer",
  UND_ERR_HEADERS_TIMEOUT: "it does not answer",
  UND_ERR_BODY_TIMEOUT: "it has stopped sending",
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: "it sent fewer bytes than it announced",
};

/** A number of bytes in a header; null: none that can be believed. */
export function lengthOf(text: string | null): number | null {
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : null;
}

/** Presigned addresses carry keys in their query. */
export function withoutQuery(address: string | URL): string {
  const { origin, pathname } = new URL(address);
  return `${origin}${pathname}`;
}

export function failed(problem: string, cause?: unknown): UnSAMError {
  return new UnSAMError("E_DOWNLOAD", `${problem}.`, cause === undefined ? {} : { cause });
}
