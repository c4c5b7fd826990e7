import { createHash } from "node:crypto";
import { lookup as systemLookup } from "node:dns/promises";
import { isIP, type LookupFunction } from "node:net";
import { abortable } from "@unsam/core/runtime";
import { Agent, request } from "undici";
import type { ByteRoom } from "../admission/byte-room.js";
import type { Photo } from "../images/photo.js";
import { ServiceError, tooLarge } from "../service-error.js";
import { isPublicAddress } from "./public-addresses.js";

export interface Address {
  readonly address: string;
  readonly family: number;
}

export interface FetcherOptions {
  readonly hosts: readonly string[];
  readonly timeoutMs: number;
  /** Resolves a name to all its addresses; the system's resolver by default. */
  readonly resolve?: ((host: string) => Promise<readonly Address[]>) | undefined;
  /** Which addresses may be connected to; those of the public internet by default. */
  readonly mayConnect?: ((address: string) => boolean) | undefined;
  /** A host that the operator named as such: it may lie in a private network. */
  readonly named?: NamedHost | undefined;
}

export interface NamedHost {
  /** Scheme, name and port, as `URL.origin` writes them. */
  readonly origin: string;
  /** Which of its addresses may be asked for. */
  readonly serves: (url: URL) => boolean;
  /** `Authorization` of requests to it, and to nobody else. */
  readonly authorization: ((signal: AbortSignal) => Promise<string>) | null;
}

export interface FetchLimits {
  readonly maxBytes: number;
  readonly room: ByteRoom;
  readonly signal: AbortSignal;
}

const MOST_REDIRECTS = 5;
const LONGEST_URL = 2048;
const DEFAULT_PORTS: Readonly<Record<string, string>> = { "http:": "80", "https:": "443" };

/**
 * Fetches photos from hosts of a list. Each name is resolved first, every one of its addresses is checked, and the connection
 * goes to an address that was checked: a name that changes its mind in between changes nothing. So does every redirect.
 * No proxy is used, for it would resolve names itself.
 */
export class ImageFetcher {
  readonly #hosts: readonly string[];
  readonly #timeoutMs: number;
  readonly #resolve: (host: string) => Promise<readonly Address[]>;
  readonly #mayConnect: (address: string) => boolean;
  readonly #named: NamedHost | null;

  constructor({ hosts, timeoutMs, resolve, mayConnect = isPublicAddress, named }: FetcherOptions) {
    this.#hosts = hosts.map((host) => host.toLowerCase());
    this.#timeoutMs = timeoutMs;
    this.#resolve = resolve ?? ((host) => systemLookup(host, { all: true, verbatim: true }));
    this.#mayConnect = mayConnect;
    this.#named = named ?? null;
  }

  /** The photo; its bytes are counted in `room` until the caller gives them back. Throws `E_URL`, 413, 503. */
  async fetch(text: string, { maxBytes, room, signal }: FetchLimits): Promise<Photo> {
    const tooLate = AbortSignal.timeout(this.#timeoutMs);
    const stop = AbortSignal.any([signal, tooLate]);
    try {
      let url = this.#parse(text, undefined);
      for (let hop = 0; hop <= MOST_REDIRECTS; hop++) {
        const answer = await this.#ask(url, { maxBytes, room, signal: stop });
        if ("bytes" in answer) return answer;
        url = this.#parse(answer.location, url);
      }
    } catch (problem) {
      signal.throwIfAborted();
      if (problem instanceof ServiceError) throw problem;
      if (tooLate.aborted) throw refused(`The photo did not come within ${this.#timeoutMs} ms`);
      // What went wrong on the way tells about the network behind the service: it is not passed on.
      throw refused("The photo could not be fetched", problem);
    }
    throw refused(`The address leads from one address to the next, more than ${MOST_REDIRECTS} times`);
  }

  async #ask(
    url: URL,
    { maxBytes, room, signal }: FetchLimits,
  ): Promise<Photo | { readonly location: string }> {
    const named = url.origin === this.#named?.origin ? this.#named : null;
    const authorization = await named?.authorization?.(signal);
    const agent = new Agent({ connect: { lookup: await this.#checkedLookup(url, signal) }, connections: 1 });
    try {
      const { statusCode, headers, body } = await request(url, {
        dispatcher: agent,
        signal,
        headers: {
          ...{ accept: "image/*", "accept-encoding": "identity", "user-agent": "unsam" },
          ...(authorization === undefined ? {} : { authorization }),
        },
        headersTimeout: this.#timeoutMs,
        bodyTimeout: this.#timeoutMs,
      });
      // Whoever does not read it to its end leaves an error behind.
      body.on("error", () => {});
      if (statusCode >= 300 && statusCode < 400 && typeof headers.location === "string") {
        return { location: headers.location };
      }
      if (statusCode !== 200) throw refused(`The host answered ${statusCode}, not 200`);
      if ((headers["content-encoding"] ?? "identity") !== "identity") {
        throw refused("The host sent the photo compressed, which was not asked for");
      }
      if (Number(headers["content-length"] ?? 0) > maxBytes) throw tooLarge(maxBytes);
      return await receive(body, maxBytes, room);
    } finally {
      // Also what the host may still be sending.
      await agent.destroy().catch(() => {});
    }
  }

  /** Throws `E_URL` where an address may not be asked at all, whatever its name resolves to. */
  #parse(text: string, base: URL | undefined): URL {
    if (text.length > LONGEST_URL || !URL.canParse(text, base?.href)) throw refused("This is no address");
    // Also turns decimal, octal and hexadecimal forms of IPv4 into the usual one.
    const url = new URL(text, base?.href);
    if (url.protocol !== "https:" && url.protocol !== "http:") {
      throw refused("Photos are fetched over https and http only");
    }
    if (base?.protocol === "https:" && url.protocol === "http:") {
      throw refused("The address leads from https to http");
    }
    if (url.username !== "" || url.password !== "")
      throw refused("An address with a password is not fetched");
    if (!this.#isListed(url)) throw refused("Photos are not fetched from this host");
    url.hash = "";
    return url;
  }

  #isListed(url: URL): boolean {
    if (url.origin === this.#named?.origin && this.#named.serves(url)) return true;
    const name = url.hostname.replace(/\.$/, "").toLowerCase();
    const port = url.port || DEFAULT_PORTS[url.protocol];
    return this.#hosts.some((entry) => {
      const [host, wantedPort] = splitPort(entry);
      const isPort = wantedPort === undefined ? port === DEFAULT_PORTS[url.protocol] : port === wantedPort;
      const isHost = host.startsWith("*.") ? name.endsWith(host.slice(1)) : name === host;
      return isPort && isHost;
    });
  }

  /** Resolves the host once and checks every address; the lookup of the connection gives these and no others. */
  async #checkedLookup(url: URL, signal: AbortSignal): Promise<LookupFunction> {
    const host = url.hostname.replace(/^\[|\]$/g, "");
    const literal = isIP(host);
    const addresses = literal
      ? [{ address: host, family: literal }]
      : // A resolver cannot be stopped: it is no longer waited for.
        await abortable(this.#resolve(host), signal);
    const mayConnect = (address: string) => url.origin === this.#named?.origin || this.#mayConnect(address);
    if (addresses.length === 0 || !addresses.every(({ address }) => mayConnect(address))) {
      throw refused("This host is not in the public internet");
    }
    return (_, options, callback) => {
      if (options.all)
        callback(
          null,
          addresses.map((one) => ({ ...one })),
        );
      else callback(null, addresses[0].address, addresses[0].family);
    };
  }
}

function splitPort(entry: string): [host: string, port: string | undefined] {
  const at = entry.lastIndexOf(":");
  return at < 0 ? [entry, undefined] : [entry.slice(0, at), entry.slice(at + 1)];
}

async function receive(body: AsyncIterable<Uint8Array>, maxBytes: number, room: ByteRoom): Promise<Photo> {
  const parts: Uint8Array[] = [];
  const hash = createHash("sha256");
  let held = 0;
  try {
    for await (const part of body) {
      if (held + part.length > maxBytes) throw tooLarge(maxBytes);
      room.take(part.length);
      held += part.length;
      hash.update(part);
      parts.push(part);
    }
    return { bytes: Buffer.concat(parts), digest: hash.digest("hex") };
  } catch (problem) {
    room.give(held);
    throw problem;
  }
}

function refused(problem: string, cause?: unknown): ServiceError {
  return new ServiceError(422, "E_URL", `${problem}.`, { cause });
}
