import type { FastifyReply } from "fastify";

/** Aborted when a client hangs up before its answer is complete: nobody works for it. */
export function clientGone(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.once("close", () => {
    if (!reply.raw.writableFinished) gone.abort(new DOMException("The client has gone.", "AbortError"));
  });
  return gone.signal;
}
