import { createHash } from "node:crypto";
import { UnSAM, UnSAMError } from "@unsam/sdk";
import Fastify from "fastify";
import sharp from "sharp";
import { Admission, Busy } from "./admission.mjs";
import { ImageCache } from "./image-cache.mjs";
import { Uploads } from "./uploads.mjs";

const MEGABYTE = 2 ** 20;
/** An encoded photo of the region tree: 4 bytes a pixel, and 3 of the photo for overlays. */
const BYTES_PER_PIXEL = 7;
/** Work that takes longer is given up: something is wrong with the machine. */
const LONGEST_WORK_MS = 60_000;

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
 *   GET  /health               → { images, bytes, uploadBytes }
 * A photo is looked at once; its encoding stays in memory while there is room, by last use. What could not be answered
 * within `answerWithinMs`, or finds no room, is refused with 503 and `Retry-After` before any work is done. A request
 * that does not arrive within `requestTimeoutMs` is cut off with 408.
 */
export async function clickService({
  cacheBytes = 512 * MEGABYTE,
  uploadBytes = 128 * MEGABYTE,
  maxPixels = 25_000_000,
  answerWithinMs = 4000,
  requestTimeoutMs = 10_000,
} = {}) {
  // Of the built-in models the quicker one: a client waits five seconds, and nano takes as long for 12 megapixels here.
  const unsam = await UnSAM.load({ model: "region-tree" });
  const cache = new ImageCache(cacheBytes);
  const uploads = new Uploads({ mostEach: 32 * MEGABYTE, mostTogether: uploadBytes });
  const photos = new Admission({ withinMs: answerWithinMs });
  const clicks = new Admission({ withinMs: answerWithinMs });
  await measure(unsam, photos, clicks);
  /** Photos that are being looked at: who sends the same one meanwhile waits for it. */
  const encoding = new Map();
  const app = Fastify({
    // Of JSON; photos have a limit of their own.
    bodyLimit: MEGABYTE / 16,
    requestTimeout: requestTimeoutMs,
    keepAliveTimeout: 5000,
    http: { connectionsCheckingInterval: 1000, headersTimeout: requestTimeoutMs },
    // Numbers must come as numbers: nothing is coerced.
    ajv: { customOptions: { coerceTypes: false } },
  });
  app.server.maxConnections = 1000;

  app.addContentTypeParser(/^image\//, (request, stream) => uploads.read(stream, request.reply.raw));
  app.decorateRequest("since", 0);
  app.decorateRequest("reply", null);
  app.addHook("onRequest", async (request, reply) => {
    request.since = performance.now();
    request.reply = reply;
    // Said before the photo is sent, where that is possible.
    if (request.method === "POST" && request.url === "/images") photos.check();
  });
  app.addHook("onClose", async () => {
    await cache.clear();
    await unsam.dispose();
  });
  app.setErrorHandler((error, _, reply) => {
    if (error instanceof Busy) reply.header("retry-after", String(error.retryAfter));
    if (error.name === "TimeoutError") {
      return reply
        .code(503)
        .header("retry-after", "10")
        .send({ error: "E_BUSY", message: "It took too long." });
    }
    // What the caller sent was wrong: the sentence says what.
    if (UnSAMError.isInstance(error))
      return reply.code(422).send({ error: error.code, message: error.message });
    if (error.statusCode < 500 || error instanceof Busy) {
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
        const look = lookAt(id, request.body, request.since).finally(() => encoding.delete(id));
        encoding.set(id, look);
      }
      await encoding.get(id);
    }
    const size = await cache.use(id, ({ width, height }) => ({ width, height }));
    // Others pushed it out already.
    if (!size) throw new Busy(1);
    return { id, ...size };
  });

  async function lookAt(id, bytes, since) {
    const encode = () => unsam.encode(bytes, { maxPixels, signal: AbortSignal.timeout(LONGEST_WORK_MS) });
    const { width, height } = await sharp(bytes, { limitInputPixels: false })
      .metadata()
      .catch(() => ({ width: 0, height: 0 }));
    const pixels = width * height;
    // No photo, or too large a one: this says so at once, without looking at it.
    if (pixels === 0 || pixels > maxPixels) await (await encode()).dispose();
    await photos.run(photoCost(pixels), since, () =>
      cache.add(id, BYTES_PER_PIXEL * pixels, answerWithinMs / 2, encode),
    );
  }

  app.post("/images/:id/segments", { schema: { body: click } }, async (request, reply) => {
    const { points, granularity } = request.body;
    // A caller who hangs up is not worked for.
    const gone = new AbortController();
    reply.raw.once("close", () => {
      if (!reply.raw.writableFinished) gone.abort();
    });
    const answer = await cache.use(request.params.id, (image) => {
      return clicks.run(clickCost(image.width * image.height), request.since, async () => {
        const segment = await image.segment({ points, granularity }, { signal: gone.signal });
        const { mask, score } = segment;
        return {
          score,
          granularity: segment.granularity,
          area: mask.area,
          bbox: mask.bbox,
          rle: mask.toRLE(),
        };
      });
    });
    if (answer) return answer;
    return reply
      .code(404)
      .send({ error: "E_NO_IMAGE", message: "There is no such photo here (any more); send it again." });
  });

  app.get("/health", async () => ({
    images: cache.size,
    bytes: cache.bytes,
    uploadBytes: uploads.bytes,
  }));
  return app;
}

/** What a photo costs: the tree is grown at one size; decoding, and finding its borders at full size, take most of the time. */
function photoCost(pixels) {
  return 0.3 + pixels / 1e6;
}

/** A click paints its mask at full size. */
function clickCost(pixels) {
  return 0.5 + pixels / 1e6;
}

/** Looks at a photo of one megapixel and clicks on it, to know how long that takes here once everything is loaded. */
async function measure(unsam, photos, clicks) {
  const [width, height] = [1200, 900];
  const data = Uint8Array.from({ length: 3 * width * height }, (_, i) => {
    const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
    return 128 + 60 * Math.sin(x / 50) + 60 * Math.cos(y / 40 + (i % 3));
  });
  const encode = () => unsam.encode({ data, width, height, channels: 3 });
  const first = await encode();
  const ask = () => first.segment({ points: [[600, 450]], granularity: 0.5 });
  await ask();
  await clicks.run(clickCost(width * height), performance.now(), ask);
  await first.dispose();
  const second = await photos.run(photoCost(width * height), performance.now(), encode);
  await second.dispose();
}
