import { clientGone } from "@unsam/server";
import type { FastifyInstance } from "fastify";
import { exportRegions } from "./export-regions.js";
import { type ExportRequest, exportRequest } from "./export-request.js";

/** Regions of the page as files: the codecs are the SDK's. */
export function exportRoute(app: FastifyInstance): void {
  app.post<{ Body: ExportRequest }>(
    "/studio/export",
    { schema: { body: exportRequest } },
    async (request, reply) => exportRegions(request.body, clientGone(reply)),
  );
}
