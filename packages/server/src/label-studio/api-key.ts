import { request } from "undici";
import { ServiceError } from "../service-error.js";
import type { LabelStudioAddress } from "./photo-address.js";

/** Access tokens live for five minutes. */
const FRESH_MS = 4 * 60_000;
const TIMEOUT_MS = 10_000;
const MOST_ANSWER = 2 ** 16;

/**
 * Label Studio's API key. A legacy token is sent as it is; a personal access token (a JWT) buys an access token first, which is
 * kept for some minutes. It is sent to Label Studio itself, and never told.
 */
export class ApiKey {
  readonly #key: string;
  readonly #at: LabelStudioAddress;
  #access: { readonly token: string; readonly until: number } | null = null;

  constructor(key: string, at: LabelStudioAddress) {
    this.#key = key;
    this.#at = at;
  }

  /** The header of a request. Throws `E_URL` where Label Studio does not take the key. */
  async header(signal: AbortSignal): Promise<string> {
    if (!isJwt(this.#key)) return `Token ${this.#key}`;
    if (!this.#access || this.#access.until < performance.now()) {
      this.#access = { token: await this.#refresh(signal), until: performance.now() + FRESH_MS };
    }
    return `Bearer ${this.#access.token}`;
  }

  async #refresh(signal: AbortSignal): Promise<string> {
    const refused = (cause?: unknown) =>
      new ServiceError(422, "E_URL", "Label Studio does not take the API key of this service.", { cause });
    try {
      const { statusCode, body } = await request(this.#at.at("api/token/refresh/"), {
        method: "POST",
        headers: { "content-type": "application/json", "user-agent": "unsam" },
        body: JSON.stringify({ refresh: this.#key }),
        headersTimeout: TIMEOUT_MS,
        bodyTimeout: TIMEOUT_MS,
        signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
      });
      let text = "";
      for await (const part of body) {
        text += part;
        if (text.length > MOST_ANSWER) break;
      }
      const { access } = JSON.parse(text) as { access?: unknown };
      if (statusCode === 200 && typeof access === "string" && isJwt(access)) return access;
    } catch (problem) {
      signal.throwIfAborted();
      throw refused(problem);
    }
    throw refused();
  }
}

function isJwt(key: string): boolean {
  return /^eyJ[\w-]+\.[\w-]+\.[\w-]+$/.test(key);
}
