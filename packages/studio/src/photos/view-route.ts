import { decodeImage, toPNG } from "@unsam/core/image";
import { clientGone, ServiceError } from "@unsam/server";
import type { FastifyInstance } from "fastify";
import sharp from "sharp";

const MOST_BYTES = 256 * 2 ** 20;

/** A photo in a format that browsers do not show (TIFF), as PNG of its full size. */
export function viewRoute(app: FastifyInstance, maxPixels: number): void {
  app.addContentTypeParser(
    "application/octet-stream",
    { parseAs: "buffer", bodyLimit: MOST_BYTES },
    (_, body, done) => done(null, body),
  );
  app.post("/studio/view", { bodyLimit: MOST_BYTES }, async (request, reply) => {
    if (!Buffer.isBuffer(request.body)) {
      throw new ServiceError(415, "E_MEDIA_TYPE", "A photo is sent as application/octet-stream.");
    }
    const { data, width, height } = await decodeImage(request.body, { maxPixels, signal: clientGone(reply) });
    const picture = sharp(data, { raw: { width, height, channels: 3 }, limitInputPixels: false });
    return reply.type("image/png").send(await toPNG(picture, { compressionLevel: 1 }));
  });
}
