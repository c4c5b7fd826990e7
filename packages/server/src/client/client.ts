import type {
  ErrorAnswer,
  EverythingEvent,
  ImageAnswer,
  LadderAnswer,
  ModelsAnswer,
  SegmentsAnswer,
  StatusAnswer,
} from "../schemas/answers.js";
import type { EverythingRequest, LadderRequest, SegmentRequest } from "../schemas/requests.js";
import { linesOf } from "./lines.js";

export interface ClientOptions {
  /** Where the service is, with its prefix: "http://127.0.0.1:3000". */
  readonly address: string;
  readonly token?: string | undefined;
  /** Default: the global `fetch`. */
  readonly fetch?: typeof fetch | undefined;
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

/** What the service refused, and why. */
export class ServiceFailure extends Error {
  override readonly name = "ServiceFailure";
  readonly status: number;
  /** "E_BUSY", "E_BAD_PROMPT", … */
  readonly code: string;
  /** Seconds after which it is worth trying again; null: the service does not say. */
  readonly retryAfter: number | null;
  /** Under which the service's log knows it. */
  readonly requestId: string | null;

  constructor(status: number, headers: Headers, body: ErrorAnswer | null) {
    super(body?.error.message ?? `The service answered ${status}.`);
    this.status = status;
    this.code = body?.error.code ?? "E_UNKNOWN";
    const seconds = headers.get("retry-after");
    this.retryAfter = seconds === null ? null : Number(seconds);
    this.requestId = headers.get("x-request-id");
  }
}

interface Message extends CallOptions {
  readonly body?: RequestInit["body"];
  readonly type?: string | undefined;
  readonly accept?: string | undefined;
}

/** The service's routes as functions. Each throws `ServiceFailure` for what is refused. */
export class UnSAMClient {
  readonly #address: string;
  readonly #token: string | undefined;
  readonly #fetch: typeof fetch;

  constructor({ address, token, fetch: own }: ClientOptions) {
    this.#address = address.replace(/\/+$/, "");
    this.#token = token;
    this.#fetch = own ?? ((...args) => fetch(...args));
  }

  /** Has a photo encoded: its bytes, or the address of one. */
  addImage(
    photo: Uint8Array | Blob | { readonly url: string },
    options: CallOptions = {},
  ): Promise<ImageAnswer> {
    const isAddress = "url" in photo;
    return this.#json("POST", "/v1/images", {
      ...options,
      body: isAddress ? JSON.stringify(photo) : (photo as Blob),
      type: isAddress ? "application/json" : "application/octet-stream",
    });
  }

  segment(id: string, request: SegmentRequest, options: CallOptions = {}): Promise<SegmentsAnswer> {
    return this.#ask(`/v1/images/${id}/segment`, request, options);
  }

  /** The mask of one prompt as PNG. */
  async segmentPNG(id: string, request: SegmentRequest, options: CallOptions = {}): Promise<Uint8Array> {
    const answer = await this.#send("POST", `/v1/images/${id}/segment`, {
      ...options,
      ...json(request),
      accept: "image/png",
    });
    return new Uint8Array(await answer.arrayBuffer());
  }

  ladder(id: string, request: LadderRequest, options: CallOptions = {}): Promise<LadderAnswer> {
    return this.#ask(`/v1/images/${id}/ladder`, request, options);
  }

  /** Everything in an image, as it is found. Leaving the loop ends the work. An event `error` is thrown. */
  async *everything(
    id: string,
    request: EverythingRequest = {},
    options: CallOptions = {},
  ): AsyncGenerator<EverythingEvent, void, undefined> {
    const accept = "application/x-ndjson";
    const path = `/v1/images/${id}/everything`;
    const { body, headers } = await this.#send("POST", path, { ...options, ...json(request), accept });
    for await (const line of linesOf(body)) {
      const event = JSON.parse(line) as EverythingEvent;
      if (event.type === "error") throw new ServiceFailure(200, headers, event);
      yield event;
      if (event.type === "end") return;
    }
    throw new Error("The answer was cut off.");
  }

  async deleteImage(id: string, options: CallOptions = {}): Promise<void> {
    await this.#send("DELETE", `/v1/images/${id}`, options);
  }

  /** A photo and its prompts in one request. */
  segmentPhoto(
    photo: Uint8Array | Blob,
    request: SegmentRequest,
    options: CallOptions = {},
  ): Promise<SegmentsAnswer> {
    const form = new FormData();
    form.set("request", JSON.stringify(request));
    form.set("image", photo instanceof Blob ? photo : new Blob([photo as Uint8Array<ArrayBuffer>]), "image");
    return this.#json("POST", "/v1/segment", { ...options, body: form });
  }

  models(options: CallOptions = {}): Promise<ModelsAnswer> {
    return this.#json("GET", "/v1/models", options);
  }

  health(options: CallOptions = {}): Promise<StatusAnswer> {
    return this.#json("GET", "/health", options);
  }

  ready(options: CallOptions = {}): Promise<StatusAnswer> {
    return this.#json("GET", "/ready", options);
  }

  /** Prometheus' text. */
  async metrics(options: CallOptions = {}): Promise<string> {
    return (await this.#send("GET", "/metrics", { ...options, accept: "text/plain" })).text();
  }

  #ask<T>(path: string, request: unknown, options: CallOptions): Promise<T> {
    return this.#json("POST", path, { ...options, ...json(request) });
  }

  async #json<T>(method: string, path: string, message: Message): Promise<T> {
    return (await this.#send(method, path, { accept: "application/json", ...message })).json() as Promise<T>;
  }

  async #send(method: string, path: string, { body, type, accept, signal }: Message): Promise<Response> {
    const headers: Record<string, string> = {};
    if (type !== undefined) headers["content-type"] = type;
    if (accept !== undefined) headers.accept = accept;
    if (this.#token !== undefined) headers.authorization = `Bearer ${this.#token}`;
    const answer = await this.#fetch(this.#address + path, {
      method,
      headers,
      ...(body === undefined ? {} : { body }),
      ...(signal ? { signal } : {}),
    });
    if (answer.ok) return answer;
    const said = await answer.json().catch(() => null);
    throw new ServiceFailure(answer.status, answer.headers, said as ErrorAnswer | null);
  }
}

function json(value: unknown): Pick<Message, "body" | "type"> {
  return { body: JSON.stringify(value), type: "application/json" };
}
