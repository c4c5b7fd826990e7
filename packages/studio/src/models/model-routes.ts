import { Readable } from "node:stream";
import type { PullProgress } from "@unsam/sdk";
import { clientGone, refusalOf } from "@unsam/server";
import type { FastifyInstance } from "fastify";
import type { ModelDesk } from "./models.js";

/** A line of the answer while a model is fetched and loaded. */
type ModelEvent =
  | { readonly type: "progress"; readonly progress: PullProgress }
  | { readonly type: "ready"; readonly name: string }
  | { readonly type: "error"; readonly error: { readonly code: string; readonly message: string } };

/** Models to choose from, and the change to another, told line by line. */
export function modelRoutes(app: FastifyInstance, desk: ModelDesk): void {
  app.get("/studio/models", async () => ({ models: await desk.list() }));

  app.post<{ Params: { readonly name: string } }>("/studio/models/:name", async (request, reply) => {
    const events = changed(desk, request.params.name, clientGone(reply));
    return reply.type("application/x-ndjson; charset=utf-8").send(Readable.from(linesOf(events)));
  });
}

async function* linesOf(events: AsyncIterable<ModelEvent>): AsyncGenerator<string, void, undefined> {
  for await (const event of events) yield `${JSON.stringify(event)}\n`;
}

async function* changed(
  desk: ModelDesk,
  name: string,
  signal: AbortSignal,
): AsyncGenerator<ModelEvent, void, undefined> {
  const waiting: PullProgress[] = [];
  let wake = () => {};
  const onProgress = (progress: PullProgress) => {
    waiting.push(progress);
    wake();
  };
  let isOver = false;
  const work = desk.use(name, onProgress, signal).finally(() => {
    isOver = true;
    wake();
  });
  // What goes wrong is told below; it is no unhandled rejection until then.
  work.catch(() => {});
  while (!isOver) {
    await new Promise<void>((resolve) => {
      wake = resolve;
      if (waiting.length > 0 || isOver) resolve();
    });
    for (const progress of waiting.splice(0)) yield { type: "progress", progress };
  }
  try {
    await work;
    yield { type: "ready", name: desk.inUse };
  } catch (problem) {
    yield { type: "error", ...refusalOf(problem, (message) => message).body };
  }
}
