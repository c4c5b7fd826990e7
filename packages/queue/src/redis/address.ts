import { UnSAMError } from "@unsam/core/errors";
import { shown } from "@unsam/core/files";

export const DEFAULT_REDIS = "redis://127.0.0.1:6379";
/** The variable with the address of Redis. An address may hold a password, and every user sees the command line. */
export const REDIS_VARIABLE = "UNSAM_REDIS";

/** A Redis, as it is connected to and as it may be shown. */
export interface RedisAddress {
  readonly url: string;
  /** Without its password. */
  readonly shown: string;
}

/** Throws `E_BAD_OPTION`. */
export function redisAddress(given: string = process.env[REDIS_VARIABLE] || DEFAULT_REDIS): RedisAddress {
  let url: URL;
  try {
    url = new URL(given);
  } catch {
    // The address is not shown: it may hold a password.
    throw new UnSAMError(
      "E_BAD_OPTION",
      "The address of Redis is no address; give redis://HOST:PORT or rediss://HOST:PORT.",
    );
  }
  if (url.protocol !== "redis:" && url.protocol !== "rediss:") {
    throw new UnSAMError(
      "E_BAD_OPTION",
      `The address of Redis begins with ${shown(url.protocol)}; give redis://HOST:PORT or rediss://HOST:PORT.`,
    );
  }
  const place = `${url.hostname === "" ? "127.0.0.1" : url.hostname}:${url.port === "" ? 6379 : url.port}`;
  return { url: given, shown: `${url.protocol}//${place}${url.pathname === "/" ? "" : url.pathname}` };
}
