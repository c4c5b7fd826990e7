import type { FastifyReply, FastifyRequest, RouteShorthandOptions } from "fastify";
import type { LabelStudioOptions, UrlOptions } from "../options.js";
import { callerOf, errorAnswers, type RouteContext } from "../routes/context.js";
import { status } from "../schemas/answers.js";
import { ServiceError } from "../service-error.js";
import { parseLabellingConfig } from "./labelling-config.js";
import { TaskPhotos } from "./photos.js";
import { type Backend, modelVersion, predict } from "./predict.js";
import {
  healthAnswer,
  type PredictRequest,
  predictions,
  predictRequest,
  type SetupRequest,
  setupAnswer,
  setupRequest,
} from "./schemas.js";

/** Tasks come with their drafts and earlier predictions, whose masks are lists of numbers. */
const MOST_BODY = 2 ** 24;

/**
 * The routes of a Label Studio ML backend, below `/label-studio`: what Label Studio asks while a project is set up and labelled.
 * Its user name and password are any name and one of the service's tokens.
 */
export function labelStudioRoutes(
  context: RouteContext,
  { mostRegions = 64, ...options }: LabelStudioOptions,
  urls: UrlOptions | undefined,
): void {
  const { service } = context;
  const backend: Backend = { service, photos: new TaskPhotos(service, options, urls), mostRegions };
  const receives: RouteShorthandOptions = {
    bodyLimit: MOST_BODY,
    config: { takesPassword: true },
    onRequest: async (request, reply) => countBody(service, request, reply),
  };
  healthRoutes(context);
  setupRoute(context, receives);
  predictRoute(context, receives, backend);
  webhookRoute(context, receives);
}

/** Bodies of all clients together share the room of photos that come in. */
function countBody(
  { uploads }: RouteContext["service"],
  { headers }: FastifyRequest,
  reply: FastifyReply,
): void {
  const bytes = Number(headers["content-length"]);
  if (!Number.isInteger(bytes)) {
    throw new ServiceError(411, "E_BAD_REQUEST", "Send the body with its Content-Length.");
  }
  // Fastify refuses what is longer.
  if (bytes > MOST_BODY) return;
  uploads.take(bytes);
  reply.raw.once("close", () => uploads.give(bytes));
}

function healthRoutes({ app }: RouteContext): void {
  const health = async () => ({ status: "UP", model_class: "UnSAM" });
  const told = {
    config: { isPublic: true, rateLimit: false },
    schema: {
      operationId: "labelStudioHealth",
      summary: "Label Studio: whether the process answers.",
      response: { 200: { description: "It does.", ...healthAnswer } },
    },
  };
  app.get("/label-studio/health", told, health);
  app.get("/label-studio/", { ...told, schema: { hide: true } }, health);
}

function setupRoute({ app, service }: RouteContext, receives: RouteShorthandOptions): void {
  app.post<{ Body: SetupRequest }>(
    "/label-studio/setup",
    {
      ...receives,
      schema: {
        operationId: "labelStudioSetup",
        summary: "Label Studio: which model answers, and whether it can for this labelling config.",
        body: setupRequest,
        response: { 200: { description: "The model.", ...setupAnswer }, ...errorAnswers },
      },
    },
    async ({ body: { schema } }) => {
      if (schema !== undefined) parseLabellingConfig(schema);
      return { model_version: modelVersion(service) };
    },
  );
}

function predictRoute(
  { app, service }: RouteContext,
  receives: RouteShorthandOptions,
  backend: Backend,
): void {
  const { workMs, everythingMs } = service.limits;
  app.post<{ Body: PredictRequest }>(
    "/label-studio/predict",
    {
      ...receives,
      schema: {
        operationId: "labelStudioPredict",
        summary: "Label Studio: brush masks for what was drawn, or for the whole photo.",
        body: predictRequest,
        response: { 200: { description: "A prediction for each task.", ...predictions }, ...errorAnswers },
      },
    },
    async (request, reply) => {
      const isDrawn = (request.body.params?.context?.result?.length ?? 0) > 0;
      return predict(
        backend,
        request.body,
        callerOf(service, request, reply, isDrawn ? workMs : everythingMs),
      );
    },
  );
}

/** Label Studio tells of events; nothing is learnt from them. */
function webhookRoute({ app }: RouteContext, receives: RouteShorthandOptions): void {
  app.post(
    "/label-studio/webhook",
    {
      ...receives,
      schema: {
        operationId: "labelStudioWebhook",
        summary: "Label Studio: events of a project, of which nothing is learnt.",
        body: { type: "object" },
        response: { 200: { description: "It was taken note of.", ...status }, ...errorAnswers },
      },
    },
    async () => ({ status: "ok" }),
  );
}
