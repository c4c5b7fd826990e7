import { randomUUID } from "node:crypto";
import Fastify, { type FastifyInstance, type FastifyServerOptions } from "fastify";
import { sendError } from "./http/errors.js";
import { checkLoopbackHost } from "./http/origins.js";
import { type PluginOptions, unsamService } from "./plugin.js";
import { ServiceError } from "./service-error.js";

export interface ServerOptions extends PluginOptions {
  /** Fastify's (Pino's) logger options; false: no log (default). */
  readonly logger?: FastifyServerOptions["logger"] | undefined;
  /** Whose `X-Forwarded-For` is believed: Fastify's `trustProxy` (default false). */
  readonly trustProxy?: FastifyServerOptions["trustProxy"] | undefined;
  /** A request that has not arrived after it is cut off with 408, ms (default 30,000). */
  readonly requestTimeoutMs?: number | undefined;
  /** Connections at one time (default 2000). */
  readonly maxConnections?: number | undefined;
  /** Answers to names of the loopback only, which protects a service without tokens from pages in a browser (default false). */
  readonly loopbackNamesOnly?: boolean | undefined;
}

/** How often connections are looked at that take too long. */
const CHECK_MS = 1000;

/** The service as an app of its own, which does not listen yet. Throws `E_BAD_OPTION`, and what `UnSAM.load` throws. */
export async function createServer({
  logger = false,
  trustProxy = false,
  requestTimeoutMs = 30_000,
  maxConnections = 2000,
  loopbackNamesOnly = false,
  ...options
}: ServerOptions = {}): Promise<FastifyInstance> {
  const longestWork = Math.max(options.limits?.everythingMs ?? 300_000, options.limits?.workMs ?? 60_000);
  const app = Fastify({
    logger,
    trustProxy,
    bodyLimit: options.limits?.jsonBytes ?? 2 ** 21,
    requestTimeout: requestTimeoutMs,
    // A client that does not read its answer.
    connectionTimeout: longestWork + 30_000,
    // Shorter ones race with clients that send again on a busy machine.
    keepAliveTimeout: 30_000,
    http: { connectionsCheckingInterval: CHECK_MS, headersTimeout: requestTimeoutMs },
    genReqId: () => randomUUID(),
    // Loading a model takes what it takes, a download of one longer than Fastify would wait.
    pluginTimeout: 0,
    // Requests that come while it stops are told so by the service, in its own words.
    return503OnClosing: false,
    forceCloseConnections: "idle",
    frameworkErrors: sendError,
    routerOptions: { maxParamLength: 200 },
  });
  app.server.maxConnections = maxConnections;
  app.setErrorHandler(sendError);
  app.setNotFoundHandler(async ({ method, url }) => {
    throw new ServiceError(404, "E_NOT_FOUND", `There is no ${method} ${url.slice(0, 100)}.`);
  });
  if (loopbackNamesOnly) {
    app.addHook("onRequest", async ({ headers }) => checkLoopbackHost(headers.host));
  }
  await app.register(unsamService, options);
  await app.ready();
  return app;
}
