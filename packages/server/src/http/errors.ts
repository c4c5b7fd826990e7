import { type ErrorCode, UnSAMError } from "@unsam/sdk";
import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import type { ErrorAnswer } from "../schemas/answers.js";
import { ServiceError } from "../service-error.js";

/** What a fault of what the client sent is answered with; other faults are the service's own. */
const STATUS: Readonly<Partial<Record<ErrorCode, number>>> = {
  E_BAD_IMAGE: 422,
  E_BAD_PROMPT: 422,
  E_BAD_OPTION: 422,
  E_BAD_FILE: 422,
  E_UNSUPPORTED: 422,
};

export interface Refusal {
  readonly status: number;
  readonly body: ErrorAnswer;
  readonly retryAfter: number | null;
}

/** What is said of an error; nothing of what only the service's own log is to know. */
export function refusalOf(error: unknown, told: (message: string) => string): Refusal {
  const { status, body, retryAfter } = unfiltered(error);
  const { code, message } = body.error;
  return { status, body: { error: { code, message: told(message) } }, retryAfter };
}

function unfiltered(error: unknown): Refusal {
  if (error instanceof ServiceError) {
    return refusal(error.statusCode, error.code, error.message, error.retryAfter);
  }
  if (UnSAMError.isInstance(error)) return refusalOfModel(error);
  const { name, statusCode, code, validation, message } = error as Partial<FastifyError>;
  if (name === "TimeoutError")
    return refusal(503, "E_BUSY", "It took too long; try again in 10 seconds.", 10);
  if (validation) return refusal(400, "E_BAD_REQUEST", `${message ?? "The request is malformed"}.`);
  if (statusCode === 429) {
    return refusal(
      429,
      "E_RATE",
      message ?? "Too many requests.",
      (error as { retryAfter?: number }).retryAfter ?? 1,
    );
  }
  if (statusCode === 413) return refusal(413, "E_TOO_LARGE", "The body is too large.");
  if (statusCode === 415) return refusal(415, "E_MEDIA_TYPE", "A body of this type is not taken here.");
  if (statusCode === 408) return refusal(408, "E_TIMEOUT", "The request did not arrive in time.");
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return refusal(statusCode, "E_BAD_REQUEST", `${code ?? "The request"} is malformed.`);
  }
  return internal();
}

function refusalOfModel(error: UnSAMError): Refusal {
  const status = STATUS[error.code];
  if (status !== undefined) return refusal(status, error.code, error.message);
  if (error.code === "E_OUT_OF_MEMORY") {
    return refusal(503, "E_BUSY", "There is not enough memory now; try again in 10 seconds.", 10);
  }
  // The image was deleted, or the service stopped, while this was worked on.
  if (error.code === "E_DISPOSED") {
    return refusal(503, "E_BUSY", "The image went away during the work; try again in a second.", 1);
  }
  return internal();
}

function internal(): Refusal {
  return refusal(
    500,
    "E_INTERNAL",
    "Something went wrong in the service; its log says more, under the request's id.",
  );
}

function refusal(status: number, code: string, message: string, retryAfter: number | null = null): Refusal {
  return { status, body: { error: { code, message } }, retryAfter };
}

/** Answers with an error; the service's own faults go to its log, whole. `told`: what may be said of a message. */
export function sendError(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  told: (message: string) => string = (message) => message,
): FastifyReply {
  const { status, body, retryAfter } = refusalOf(error, told);
  if (status >= 500 && status !== 503) request.log.error({ err: error }, "a request failed");
  if (retryAfter !== null) reply.header("retry-after", String(retryAfter));
  return reply.code(status).type("application/json; charset=utf-8").send(body);
}
