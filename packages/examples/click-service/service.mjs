import { createHash } from "node:crypto";
import { UnSAM, UnSAMError } from "@unsam/sdk";
import Fastify from "fastify";
import { ImageCache } from "./image-cache.mjs";

const MEGABYTE = 2 ** 20;

const click = {
  type: "object",
  additionalProperties: false,
  required: ["points"],
  properties: {
    points: {
      type: "array",
      minItems: 1,
      maxItems: 64,
      // x, y in pixels, and perhaps 1 (foreground) or 0 (background).
      items: { type: "array", minItems: 2, maxItems: 3, items: { type: "number" } },
    },
    granularity: {
      anyOf: [{ type: "number", minimum: 0, maximum: 1 }, { enum: ["fine", "medium", "coarse", "auto"] }],
    },
  },
};

/**
 * A service that answers clicks on photos:
 *   POST /images               the bytes of a photo → { id, width, height }
 *   POST /images/:id/segments  { points: [[x, y]], granularity } → { score, granularity, area, bbox, rle }
 *   GET  /health               → { images, bytes }
 * A photo is looked at once; its encoding stays in memory while there is room, by last use.
 */
export async function clickService({ cacheBytes = 512 * MEGABYTE, maxPixels = 25_000_000 } = {}) {
  const unsam = await UnSAM.load();
  const cache = new ImageCache(cacheBytes);
  /** Photos that are being looked at: who sends the same one meanwhile waits for it. */
  const encoding = new Map();
  // Numbers must come as numbers: nothing is coerced.
  const app = Fastify({ bodyLimit: 32 * MEGABYTE, ajv: { customOptions: { coerceTypes: false } } });

  app.addContentTypeParser(/^image\//, { parseAs: "buffer" }, async (_, body) => body);
  app.addHook("onClose", async () => {
    await cache.clear();
    await unsam.dispose();
  });
  app.setErrorHandler((error, _, reply) => {
    // What the caller sent was wrong: the sentence says what.
    if (error instanceof UnSAMError)
      return reply.code(422).send({ error: error.code, message: error.message });
    if (error.statusCode < 500) {
      return reply.code(error.statusCode).send({ error: error.code, message: error.message });
    }
    console.error(error);
    return reply.code(500).send({ error: "E_INTERNAL", message: "Something went wrong here." });
  });

  app.post("/images", async (request, reply) => {
    if (!Buffer.isBuffer(request.body)) {
      return reply.code(415).send({ error: "E_NO_IMAGE", message: "Send the bytes of a photo as image/…" });
    }
    const id = createHash("sha256").update(request.body).digest("hex");
    if (!cache.has(id)) {
      if (!encoding.has(id)) {
        const look = unsam.encode(request.body, { maxPixels }).then((image) => cache.add(id, image));
        encoding.set(
          id,
          look.finally(() => encoding.delete(id)),
        );
      }
      await encoding.get(id);
    }
    const size = await cache.use(id, ({ width, height }) => ({ width, height }));
    return { id, ...size };
  });

  app.post("/images/:id/segments", { schema: { body: click } }, async (request, reply) => {
    const { points, granularity } = request.body;
    // A caller who hangs up is not worked for.
    const gone = new AbortController();
    request.raw.once("close", () => {
      if (!reply.raw.writableEnded && request.raw.destroyed && reply.raw.destroyed) gone.abort();
    });
    const answer = await cache.use(request.params.id, async (image) => {
      const {
        mask,
        score,
        granularity: chosen,
      } = await image.segment({ points, granularity }, { signal: gone.signal });
      return { score, granularity: chosen, area: mask.area, bbox: mask.bbox, rle: mask.toRLE() };
    });
    if (answer) return answer;
    return reply
      .code(404)
      .send({ error: "E_NO_IMAGE", message: "There is no such photo here (any more); send it again." });
  });

  app.get("/health", async () => ({ images: cache.size, bytes: cache.bytes }));
  return app;
}
