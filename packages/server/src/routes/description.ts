import type { SwaggerOptions } from "@fastify/swagger";
import type { FastifySchema } from "fastify";
import { version } from "../version.js";
import type { RouteContext } from "./context.js";
import { descriptionPage } from "./description-page.js";

/** How the routes' schemas become an OpenAPI document. */
export function describeService(needsToken: boolean): SwaggerOptions {
  return {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "UnSAM",
        description: "Segment anything at any granularity.",
        version,
        license: { name: "Apache-2.0", identifier: "Apache-2.0" } as { name: string },
      },
      ...(needsToken
        ? {
            components: { securitySchemes: { token: { type: "http" as const, scheme: "bearer" } } },
            security: [{ token: [] }],
          }
        : {}),
    },
    // Bodies of photos are read by the routes themselves; the description knows them all the same.
    transform: ({ schema, url, route }) => {
      const body = (route as { config?: { documentedBody?: unknown } }).config?.documentedBody;
      return { schema: { ...schema, ...(body ? { body } : {}) } as FastifySchema, url };
    },
  };
}

/** The description itself, and a page that shows it. */
export function descriptionRoutes({ app }: RouteContext): void {
  const hidden = { config: { isPublic: true }, schema: { hide: true } };
  app.get("/openapi.json", hidden, async () => app.swagger());
  app.get("/docs", hidden, async (_, reply) =>
    reply
      .header("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'")
      .type("text/html; charset=utf-8")
      .send(descriptionPage(app.swagger() as Parameters<typeof descriptionPage>[0])),
  );
}
