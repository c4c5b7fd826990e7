import { createHash, timingSafeEqual } from "node:crypto";
import { ServiceError } from "../service-error.js";

/**
 * Bearer tokens (RFC 6750), or passwords of whatever user where a client knows no others (RFC 7617). Only their digests are
 * kept, and comparing takes the same time whatever was sent.
 */
export class Tokens {
  readonly #digests: readonly Buffer[];

  constructor(tokens: readonly string[]) {
    this.#digests = tokens.map(digestOf);
  }

  get areNeeded(): boolean {
    return this.#digests.length > 0;
  }

  /** Which token a request carries; −1: none of them. */
  indexOf(authorization: string | undefined, mayBePassword = false): number {
    const given = bearer(authorization) ?? (mayBePassword ? password(authorization) : undefined);
    const digest = digestOf(given ?? "");
    let found = -1;
    // All of them, also behind one that is right.
    this.#digests.forEach((known, index) => {
      if (timingSafeEqual(known, digest)) found = index;
    });
    return given === undefined ? -1 : found;
  }

  check(index: number): void {
    if (!this.areNeeded || index >= 0) return;
    throw new ServiceError(
      401,
      "E_UNAUTHORIZED",
      "A token is needed; send the header Authorization: Bearer with one that is right.",
    );
  }
}

function bearer(authorization = ""): string | undefined {
  return /^Bearer +(\S+)$/i.exec(authorization)?.[1];
}

function password(authorization = ""): string | undefined {
  const [, credentials] = /^Basic +([\w+/]+=*)$/i.exec(authorization) ?? [];
  if (credentials === undefined) return undefined;
  const text = Buffer.from(credentials, "base64").toString();
  const colon = text.indexOf(":");
  return colon < 0 ? undefined : text.slice(colon + 1);
}

function digestOf(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
