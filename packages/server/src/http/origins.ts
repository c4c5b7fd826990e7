import type { IncomingHttpHeaders } from "node:http";
import { ServiceError } from "../service-error.js";

/**
 * Refuses what a page of another site has a browser send: forms and images need no CORS, and would reach a service on the
 * user's own machine. Programs that are no browsers send neither header.
 */
export function checkOrigin(headers: IncomingHttpHeaders, allowed: readonly string[]): void {
  const { origin, host } = headers;
  if (origin === undefined) {
    if (headers["sec-fetch-site"] !== "cross-site" || headers["sec-fetch-mode"] === "navigate") return;
  } else if (allowed.includes(origin) || isSameHost(origin, host)) return;
  throw new ServiceError(403, "E_FORBIDDEN", "Pages of this origin may not call the service.");
}

function isSameHost(origin: string, host: string | undefined): boolean {
  return URL.canParse(origin) && new URL(origin).host === host;
}

/**
 * Refuses other names than those of the loopback. A page whose own name is made to resolve to 127.0.0.1 (DNS rebinding)
 * has the same origin as the service, but says its name.
 */
export function checkLoopbackHost(host: string | undefined): void {
  const name = (host ?? "").replace(/:\d+$/, "").toLowerCase();
  if (name === "localhost" || name === "[::1]" || /^127(\.\d{1,3}){3}$/.test(name)) return;
  throw new ServiceError(
    403,
    "E_FORBIDDEN",
    "Without tokens the service answers to names of the loopback only.",
  );
}
