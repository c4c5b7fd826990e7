import { models, status } from "../schemas/answers.js";
import { stopping } from "../service-error.js";
import { errorAnswers, type RouteContext } from "./context.js";

/** What the service says of itself. */
export function statusRoutes({ app, service }: RouteContext): void {
  app.get(
    "/health",
    {
      config: { isPublic: true, rateLimit: false },
      schema: {
        operationId: "health",
        summary: "Whether the process answers.",
        response: { 200: { description: "It does.", ...status } },
      },
    },
    async () => ({ status: "ok" }),
  );

  app.get(
    "/ready",
    {
      config: { isPublic: true, rateLimit: false },
      schema: {
        operationId: "ready",
        summary: "Whether it takes requests: 503 while it stops.",
        response: { 200: { description: "It does.", ...status }, ...errorAnswers },
      },
    },
    async () => {
      if (service.isStopping) throw stopping();
      return { status: "ready" };
    },
  );

  app.get(
    "/v1/models",
    {
      schema: {
        operationId: "models",
        summary: "The model that answers.",
        response: { 200: { description: "One model.", ...models }, ...errorAnswers },
      },
    },
    async () => {
      return { models: [{ ...service.unsam.model, name: service.modelName }] };
    },
  );

  app.get(
    "/metrics",
    {
      schema: {
        operationId: "metrics",
        summary: "Numbers for Prometheus.",
        produces: ["text/plain"],
        response: { 200: { description: "Prometheus' text format.", type: "string" }, ...errorAnswers },
      },
    },
    async (_, reply) => {
      const { registry } = service.metrics;
      return reply.type(registry.contentType).send(await registry.metrics());
    },
  );
}
