import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { clientGone } from "../http/client-gone.js";
import { errorBody } from "../schemas/answers.js";
import type { Caller, Service } from "../service.js";

/** What the routes are made of. */
export interface RouteContext {
  readonly app: FastifyInstance;
  readonly service: Service;
}

declare module "fastify" {
  interface FastifyRequest {
    /** When it came in, `performance.now()`; 0 for requests of others. */
    unsamSince: number;
    /** Which token it carries; −1: none. */
    unsamToken: number;
  }
  interface FastifyContextConfig {
    /** What the description says of a body that is not checked by a schema. */
    documentedBody?: unknown;
    /** Answers without a token, and while the service stops. */
    isPublic?: boolean;
    /** Takes a token also as the password of basic authentication. */
    takesPassword?: boolean;
  }
}

/** A request as the service's work sees it; given up after `milliseconds`. */
export function callerOf(
  service: Service,
  request: FastifyRequest,
  reply: FastifyReply,
  milliseconds: number,
): Caller {
  return { since: request.unsamSince, signal: service.signalFor(clientGone(reply), milliseconds) };
}

/** What every route may answer instead of a result. */
export const errorAnswers = {
  "4xx": { description: "What was sent is refused, or comes too often.", ...errorBody },
  "5xx": {
    description: "503: too much is being worked on; Retry-After says when to come again.",
    ...errorBody,
  },
};

/** The name of an image in an address. */
export const imageParams = {
  type: "object",
  required: ["id"],
  properties: { id: { type: "string", pattern: "^[0-9a-f]{64}$" } },
} as const;
