import { randomBytes } from "node:crypto";
import { createServer as createHttpServer } from "node:http";
import { type LoadOptions, type UnSAM, UnSAMError } from "@unsam/sdk";
import { guardLocal, ServiceError } from "@unsam/server";
import Fastify, { type FastifyInstance } from "fastify";
import { exportRoute } from "./export/export-route.js";
import { modelRoutes } from "./models/model-routes.js";
import { ModelDesk } from "./models/models.js";
import { pageRoutes } from "./page-files/page-routes.js";
import { PhotoList } from "./photos/photo-list.js";
import { photoRoutes } from "./photos/photo-routes.js";
import { viewRoute } from "./photos/view-route.js";

export interface StudioOptions {
  /** A photo, or a folder of photos, that the page offers; others can be dropped on it. */
  readonly path?: string | undefined;
  /** A loaded model to begin with; it stays yours to dispose. */
  readonly unsam?: UnSAM | undefined;
  /** Or how to load one. Default: `UnSAM.load()`. */
  readonly load?: LoadOptions | undefined;
  /** Default 0: any that is free. The page listens on 127.0.0.1 only. */
  readonly port?: number | undefined;
  /** Pixels of a photo; larger ones are refused (default 120 million). */
  readonly maxPixels?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface RunningStudio {
  /** Where the page is, with the token that it needs behind `#`. */
  readonly url: string;
  /** Where it listens: "http://127.0.0.1:41234". */
  readonly address: string;
  /** Sentences about files of the folder that are not offered. */
  readonly notes: readonly string[];
  /** Takes no more requests, and releases what it loaded. */
  stop(): Promise<void>;
}

/** Longest body of a request to the studio itself: masks that are exported. */
const MOST_EXPORT_BYTES = 64 * 2 ** 20;
const HOST = "127.0.0.1";

/**
 * Starts the studio: a page on the loopback, the service that it asks, and what it opens and exports. Only who has the address with its token
 * gets answers. Throws `E_IO` where it cannot listen or read the folder, `E_BAD_OPTION`, and what `UnSAM.load` throws.
 */
export async function startStudio(options: StudioOptions = {}): Promise<RunningStudio> {
  const { path, port = 0, maxPixels = 120_000_000, signal } = options;
  const token = randomBytes(24).toString("base64url");
  const photos = await PhotoList.open(path, signal);
  const desk = await ModelDesk.open({ ...options, token, maxPixels });
  try {
    const app = createApp(desk);
    guardLocal(app, [token]);
    app.setNotFoundHandler(async ({ method, url }) => {
      throw new ServiceError(404, "E_NOT_FOUND", `There is no ${method} ${url.slice(0, 100)}.`);
    });
    await pageRoutes(app);
    photoRoutes(app, photos);
    viewRoute(app, maxPixels);
    modelRoutes(app, desk);
    exportRoute(app);
    app.addHook("onClose", () => desk.close());
    const address = await listen(app, port);
    const { notes } = photos;
    return { url: `${address}/#${token}`, address, notes, stop: () => app.close() };
  } catch (problem) {
    await desk.close();
    throw problem;
  }
}

/** An app whose requests below `/model` go to the service of the model in use. */
function createApp(desk: ModelDesk): FastifyInstance {
  const app: FastifyInstance = Fastify({
    bodyLimit: MOST_EXPORT_BYTES,
    forceCloseConnections: true,
    pluginTimeout: 0,
    serverFactory: (answer) =>
      createHttpServer((request, response) => {
        if (!desk.answers(request, response)) answer(request, response);
      }),
  });
  app.addHook("onRequest", async (_, reply) => {
    reply.headers({ "cache-control": "no-store", "x-content-type-options": "nosniff" });
  });
  return app;
}

async function listen(app: FastifyInstance, port: number): Promise<string> {
  try {
    return await app.listen({ host: HOST, port });
  } catch (cause) {
    await app.close();
    const code = (cause as NodeJS.ErrnoException).code ?? "it failed";
    throw new UnSAMError("E_IO", `The studio cannot listen on ${HOST}, port ${port}: ${code}.`, { cause });
  }
}
