import type { FastifyInstance } from "fastify";
import { sendError } from "./errors.js";
import { checkLoopbackHost, checkOrigin } from "./origins.js";
import { Tokens } from "./tokens.js";

declare module "fastify" {
  interface FastifyContextConfig {
    /** Of an app with `guardLocal`: answered without a token. */
    needsNoToken?: boolean;
  }
}

/**
 * For an app beside the service on the same machine, such as a page on top of it: names of the loopback only, no pages of
 * other origins, and a token for each route that does not say `config: { needsNoToken: true }`. Errors are told as the
 * service tells them.
 */
export function guardLocal(app: FastifyInstance, tokens: readonly string[]): void {
  const known = new Tokens(tokens);
  app.setErrorHandler((error, request, reply) => sendError(error, request, reply));
  app.addHook("onRequest", async ({ headers, routeOptions }) => {
    checkLoopbackHost(headers.host);
    checkOrigin(headers, []);
    if (!routeOptions.config.needsNoToken) known.check(known.indexOf(headers.authorization));
  });
}
