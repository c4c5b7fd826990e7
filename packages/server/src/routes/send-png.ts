import type { Segment } from "@unsam/sdk";
import type { FastifyReply } from "fastify";

/** A mask as PNG; what JSON says beside it goes into headers. */
export function sendPNG(
  reply: FastifyReply,
  id: string,
  { png, segment }: { readonly png: Buffer; readonly segment: Segment },
): FastifyReply {
  return reply
    .header("x-unsam-image", id)
    .header("x-unsam-score", String(segment.score))
    .header("x-unsam-granularity", String(segment.granularity))
    .type("image/png")
    .send(png);
}
