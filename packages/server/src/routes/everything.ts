import { Readable } from "node:stream";
import { setImmediate } from "node:timers/promises";
import { preferredType } from "../http/accept.js";
import { type EverythingEvent, everythingEvent } from "../schemas/answers.js";
import { type EverythingRequest, everythingRequest } from "../schemas/requests.js";
import { everythingCost, type Service } from "../service.js";
import { callerOf, errorAnswers, imageParams, type RouteContext } from "./context.js";
import { everythingEvents } from "./everything-events.js";

const TYPES = ["application/x-ndjson", "text/event-stream"] as const;

/** All masks of an image, as they are found. */
export function everythingRoute({ app, service }: RouteContext): void {
  app.post<{ Params: { readonly id: string }; Body: EverythingRequest | undefined }>(
    "/v1/images/:id/everything",
    {
      schema: {
        operationId: "everything",
        summary: "All masks at all granularities: partial results while they are found, then the scene.",
        params: imageParams,
        body: everythingRequest,
        response: {
          200: {
            description: "One event a line; by Accept: text/event-stream the same as server-sent events.",
            content: Object.fromEntries(TYPES.map((type) => [type, { schema: everythingEvent }])),
          },
          ...errorAnswers,
        },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const { partial, ...options } = request.body ?? {};
      const type = preferredType(request, TYPES);
      // Before anything is answered: a fault has a status of its own.
      service.unsam.checkEverything(options as object);
      const caller = callerOf(service, request, reply, service.limits.everythingMs);
      const { image, release } = await service.lease(id, caller.signal);
      let end = () => {};
      const close = () => {
        release();
        end();
      };
      try {
        const cost = everythingCost(image.width * image.height);
        end = await service.metrics.time("wait", () =>
          service.encodes.enter(cost, caller.since, caller.signal),
        );
      } catch (problem) {
        close();
        throw problem;
      }
      const told = (message: string) => service.told(message);
      const events = everythingEvents({ id, image }, { ...options, partial }, caller.signal, told);
      const stream = Readable.from(written(events, type, service), {
        objectMode: false,
        highWaterMark: 2 ** 16,
      });
      stream.once("close", close);
      if (reply.raw.closed) stream.destroy();
      return reply.type(`${type}; charset=utf-8`).header("cache-control", "no-store").send(stream);
    },
  );
}

async function* written(
  events: AsyncIterable<EverythingEvent>,
  type: (typeof TYPES)[number],
  { metrics }: Service,
): AsyncGenerator<string, void, undefined> {
  const start = performance.now();
  for await (const event of events) {
    const text = JSON.stringify(event);
    yield type === "text/event-stream" ? `event: ${event.type}\ndata: ${text}\n\n` : `${text}\n`;
    // Scenes have thousands of masks: other requests get their turn.
    await setImmediate();
  }
  metrics.took("everything", (performance.now() - start) / 1000);
}
