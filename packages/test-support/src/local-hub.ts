import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";

/** What the hub knows of a file. */
interface HubEntry {
  readonly bytes: Uint8Array;
  /** Large files lie in Git LFS, behind a redirect to another host. */
  readonly lfs: boolean;
}

interface Seen {
  readonly host: "hub" | "store";
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
}

/** Takes a request over and answers it; false: it is answered as usual. */
export type Interference = (request: Seen, response: ServerResponse) => boolean;

/**
 * A server on this machine that behaves like the Hugging Face hub, and a second one on another port where large files lie,
 * as on the hub. Tests have them misbehave with `interfere`.
 */
export class LocalHub {
  readonly #repos = new Map<string, Map<string, HubEntry>>();
  readonly #hub: Server;
  readonly #store: Server;
  /** Everything that was asked, in order. */
  readonly seen: Seen[] = [];
  commit = "0123456789abcdef0123456789abcdef01234567";
  /** Answer to `/api/models/…`, beside the name. */
  facts: object = {};
  interfere: Interference = () => false;

  private constructor() {
    this.#hub = createServer((request, response) => this.#answer("hub", request, response));
    this.#store = createServer((request, response) => this.#answer("store", request, response));
  }

  static async start(): Promise<LocalHub> {
    const hub = new LocalHub();
    for (const server of [hub.#hub, hub.#store]) {
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    }
    return hub;
  }

  async stop(): Promise<void> {
    for (const server of [this.#hub, this.#store]) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }

  /** Variables that send a process to this hub alone, with caches in `folder`; undefined: to be unset. */
  environment(folder: string): Record<string, string | undefined> {
    const unset = ["HF_HUB_CACHE", "HF_TOKEN", "UNSAM_OFFLINE", "HF_HUB_OFFLINE", "HTTP_PROXY", "http_proxy"];
    return {
      ...Object.fromEntries(unset.map((name) => [name, undefined])),
      HF_ENDPOINT: this.endpoint,
      HF_HOME: path.join(folder, "hf"),
      UNSAM_CACHE: path.join(folder, "own"),
    };
  }

  /** For `HF_ENDPOINT`. */
  get endpoint(): string {
    return `http://127.0.0.1:${(this.#hub.address() as AddressInfo).port}`;
  }

  /** Another host's name, too. */
  get storeOrigin(): string {
    return `http://localhost:${(this.#store.address() as AddressInfo).port}`;
  }

  add(repo: string, file: string, bytes: Uint8Array, { lfs = true } = {}): void {
    const files = this.#repos.get(repo) ?? new Map<string, HubEntry>();
    files.set(file, { bytes, lfs });
    this.#repos.set(repo, files);
  }

  /** Requests that brought bytes of files. */
  get downloads(): Seen[] {
    return this.seen.filter(
      ({ method, url }) => method === "GET" && (url.startsWith("/lfs/") || url.includes("/resolve/")),
    );
  }

  #answer(host: "hub" | "store", request: IncomingMessage, response: ServerResponse): void {
    const seen = { host, method: request.method ?? "", url: request.url ?? "", headers: request.headers };
    this.seen.push(seen);
    response.on("error", () => {});
    if (this.interfere(seen, response)) return;
    if (host === "store") this.#blob(seen, response);
    else if (seen.url.startsWith("/api/models/")) this.#api(seen, response);
    else this.#resolve(seen, response);
  }

  #api({ url }: Seen, response: ServerResponse): void {
    const [owner, name, ...rest] = new URL(url, "http://x").pathname.slice("/api/models/".length).split("/");
    const files = this.#repos.get(`${owner}/${name}`);
    if (!files) {
      refuse(response, 401, "RepoNotFound");
      return;
    }
    const tree = [...files].map(([path, { bytes, lfs }]) => ({
      type: "file",
      path,
      size: bytes.length,
      oid: gitSum(bytes),
      ...(lfs ? { lfs: { oid: sha256(bytes), size: bytes.length, pointerSize: 134 } } : {}),
    }));
    const json = rest[0] === "tree" ? tree : { id: `${owner}/${name}`, sha: this.commit, ...this.facts };
    response.setHeader("content-type", "application/json; charset=utf-8");
    response.end(JSON.stringify(json));
  }

  #resolve(seen: Seen, response: ServerResponse): void {
    const found = /^\/([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(seen.url);
    const files = found ? this.#repos.get(found[1]) : undefined;
    if (!found || !files) {
      refuse(response, 401, "RepoNotFound");
      return;
    }
    const revision = decodeURIComponent(found[2]);
    if (!["main", "refs/pr/1", "v1.0", this.commit].includes(revision)) {
      refuse(response, 404, "RevisionNotFound");
      return;
    }
    response.setHeader("x-repo-commit", this.commit);
    const entry = files.get(decodeURIComponent(found[3]));
    if (!entry) {
      refuse(response, 404, "EntryNotFound");
      return;
    }
    if (!entry.lfs) {
      response.setHeader("etag", `"${gitSum(entry.bytes)}"`);
      sendRange(seen, entry.bytes, response);
      return;
    }
    response.setHeader("x-linked-size", entry.bytes.length);
    response.setHeader("x-linked-etag", `"${sha256(entry.bytes)}"`);
    response.setHeader("etag", `"${gitSum(entry.bytes)}"`);
    response.setHeader("location", `${this.storeOrigin}/lfs/${sha256(entry.bytes)}?X-Amz-Signature=secret`);
    response.statusCode = 302;
    response.end("Found. Redirecting");
  }

  #blob(seen: Seen, response: ServerResponse): void {
    const name = new URL(seen.url, "http://x").pathname.slice("/lfs/".length);
    for (const files of this.#repos.values()) {
      for (const { bytes } of files.values()) {
        if (sha256(bytes) !== name) continue;
        response.setHeader("content-type", "binary/octet-stream");
        sendRange(seen, bytes, response);
        return;
      }
    }
    refuse(response, 404, null);
  }
}

function refuse(response: ServerResponse, status: number, code: string | null): void {
  response.statusCode = status;
  if (code) response.setHeader("x-error-code", code);
  response.end(code ?? "");
}

/** Sends bytes as a server that honours ranges. */
export function sendRange(
  { method, headers }: Pick<Seen, "method" | "headers">,
  bytes: Uint8Array,
  response: ServerResponse,
): void {
  response.setHeader("accept-ranges", "bytes");
  const [, first] = /^bytes=(\d+)-$/.exec(headers.range ?? "") ?? [];
  const from = first === undefined ? 0 : Number(first);
  if (first !== undefined && from >= bytes.length) {
    response.statusCode = 416;
    response.setHeader("content-range", `bytes */${bytes.length}`);
    response.end();
    return;
  }
  if (first !== undefined) {
    response.statusCode = 206;
    response.setHeader("content-range", `bytes ${from}-${bytes.length - 1}/${bytes.length}`);
  }
  response.setHeader("content-length", bytes.length - from);
  response.end(method === "HEAD" ? undefined : bytes.subarray(from));
}

/** Announces everything from `from` on, sends some of it and cuts the connection. */
export function sendAndCut(
  { headers }: Pick<Seen, "headers">,
  bytes: Uint8Array,
  count: number,
  response: ServerResponse,
): void {
  const [, first] = /^bytes=(\d+)-$/.exec(headers.range ?? "") ?? [];
  const from = Number(first ?? 0);
  if (first !== undefined) {
    response.statusCode = 206;
    response.setHeader("content-range", `bytes ${from}-${bytes.length - 1}/${bytes.length}`);
  }
  response.setHeader("content-length", bytes.length - from);
  response.write(bytes.subarray(from, from + count), () => setTimeout(() => response.destroy(), 10));
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

export function gitSum(bytes: Uint8Array): string {
  return createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
}
