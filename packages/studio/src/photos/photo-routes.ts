import { clientGone, ServiceError } from "@unsam/server";
import type { FastifyInstance } from "fastify";
import type { PhotoList } from "./photo-list.js";

/** The photos of the command line: their names, and their bytes by number. */
export function photoRoutes(app: FastifyInstance, photos: PhotoList): void {
  app.get("/studio/photos", async () => ({ photos: photos.names, notes: photos.notes }));

  app.get<{ Params: { readonly index: string } }>("/studio/photos/:index", async (request, reply) => {
    const { index } = request.params;
    const bytes = /^\d{1,7}$/.test(index) ? await photos.read(Number(index), clientGone(reply)) : null;
    if (bytes === null)
      throw new ServiceError(404, "E_NOT_FOUND", `There is no photo ${index.slice(0, 20)}.`);
    return reply
      .type("application/octet-stream")
      .send(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  });
}
