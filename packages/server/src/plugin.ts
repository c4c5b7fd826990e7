import cors from "@fastify/cors";
import multipart from "@fastify/multipart";
import rateLimit from "@fastify/rate-limit";
import swagger from "@fastify/swagger";
import { Ajv2020 } from "ajv/dist/2020.js";
import type { FastifyInstance, FastifyPluginAsync, FastifySchema } from "fastify";
import plugin from "fastify-plugin";
import { sendError } from "./http/errors.js";
import { checkOrigin } from "./http/origins.js";
import { Tokens } from "./http/tokens.js";
import { labelStudioRoutes } from "./label-studio/routes.js";
import { type ParsedServiceOptions, parseServiceOptions, type ServiceOptions } from "./options.js";
import { describeService, descriptionRoutes } from "./routes/description.js";
import { everythingRoute } from "./routes/everything.js";
import { imageRoutes } from "./routes/images.js";
import { oneGoRoute } from "./routes/one-go.js";
import { statusRoutes } from "./routes/status.js";
import { Service } from "./service.js";
import { ServiceError } from "./service-error.js";

declare module "fastify" {
  interface FastifyInstance {
    /** The service behind the routes of `unsamService`. */
    readonly unsam: Service;
  }
}

/** What the plugin takes: the service's options, and where its routes lie. */
export interface PluginOptions extends ServiceOptions {
  readonly prefix?: string | undefined;
  /** What requests in flight have to end when the app closes, ms (default 30,000). */
  readonly graceMs?: number | undefined;
}

/** The service as a plugin for an app of your own: `app.register(unsamService, { prefix: "/segment" })`. */
export const unsamService: FastifyPluginAsync<PluginOptions> = plugin(
  async (app: FastifyInstance, { prefix = "", graceMs = 30_000, ...given }: PluginOptions) => {
    const options = parseServiceOptions(given, "unsamService");
    const service = await Service.open(options);
    app.decorate("unsam", service);
    app.addHook("preClose", () => service.drain(graceMs));
    app.addHook("onClose", () => service.close());
    await app.register(async (inner) => addRoutes(inner, service, options), { prefix });
  },
  { name: "@unsam/server", fastify: "5.x" },
);

/** All that belongs to the service, and nothing of the app around it. */
async function addRoutes(
  app: FastifyInstance,
  service: Service,
  options: ParsedServiceOptions,
): Promise<void> {
  const { limits, rate, origins } = options;
  const ajv = new Ajv2020({ strict: false, allErrors: false });
  app.setValidatorCompiler(({ schema }) => ajv.compile(schema as FastifySchema));
  app.setErrorHandler((error, request, reply) =>
    sendError(error, request, reply, (message) => service.told(message)),
  );
  const tokens = new Tokens(options.tokens);
  addHooks(app, service, tokens, options);
  if (origins.length > 0) await app.register(cors, { origin: [...origins], exposedHeaders: "*" });
  if (rate) {
    await app.register(rateLimit, {
      max: rate.max,
      timeWindow: rate.windowMs,
      keyGenerator: ({ unsamToken, ip }) => (unsamToken >= 0 ? `token ${unsamToken}` : ip),
      errorResponseBuilder: (_, { ttl }) => {
        const retryAfter = Math.max(1, Math.ceil(ttl / 1000));
        const message = `Too many requests; try again in ${retryAfter} seconds.`;
        return new ServiceError(429, "E_RATE", message, { retryAfter });
      },
    });
  }
  app.addHook("onRequest", async (request) => {
    if (!request.routeOptions.config.isPublic) tokens.check(request.unsamToken);
  });
  await app.register(multipart, { limits: { fileSize: limits.photoBytes } });
  app.addContentTypeParser(/^(image\/|application\/octet-stream)/, (_, body, done) => done(null, body));
  const isDescribed = !app.hasDecorator("swagger");
  if (isDescribed) await app.register(swagger, describeService(options.tokens.length > 0));
  await app.register(async (routes) => {
    const context = { app: routes, service };
    imageRoutes(context);
    oneGoRoute(context);
    everythingRoute(context);
    statusRoutes(context);
    if (options.labelStudio) labelStudioRoutes(context, options.labelStudio, options.urls);
    if (isDescribed) descriptionRoutes(context);
  });
}

function addHooks(
  app: FastifyInstance,
  service: Service,
  tokens: Tokens,
  { origins }: ParsedServiceOptions,
): void {
  app.decorateRequest("unsamSince", 0);
  app.decorateRequest("unsamToken", -1);
  app.addHook("onRequest", async (request, reply) => {
    request.unsamSince = performance.now();
    request.unsamToken = tokens.indexOf(
      request.headers.authorization,
      request.routeOptions.config.takesPassword,
    );
    reply.header("x-request-id", request.id);
    checkOrigin(request.headers, origins);
    if (request.routeOptions.config.isPublic) return;
    reply.raw.once("close", service.begin());
  });
  app.addHook("onResponse", async ({ routeOptions, method, unsamSince }, { statusCode }) => {
    const seconds = (performance.now() - unsamSince) / 1000;
    service.metrics.answered(routeOptions.url ?? "none", method, statusCode, seconds);
  });
}
