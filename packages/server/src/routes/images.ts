import { preferredType } from "../http/accept.js";
import { image, ladder, segments } from "../schemas/answers.js";
import {
  type LadderRequest,
  ladderRequest,
  type SegmentRequest,
  segmentRequest,
} from "../schemas/requests.js";
import { noImage } from "../service-error.js";
import { about, answerLadder, answerPNG, answerSegments } from "./answer-prompts.js";
import { callerOf, errorAnswers, imageParams, type RouteContext } from "./context.js";
import { photoBodies } from "./documented-bodies.js";
import { receive } from "./received.js";
import { sendPNG } from "./send-png.js";

interface OfImage {
  readonly Params: { readonly id: string };
}

/** Images: encode a photo once, ask about it as often as wanted, forget it. */
export function imageRoutes(context: RouteContext): void {
  addImage(context);
  segment(context);
  askLadder(context);
  deleteImage(context);
}

function addImage({ app, service }: RouteContext): void {
  app.post(
    "/v1/images",
    {
      config: { documentedBody: photoBodies },
      // Said before the photo is sent, where that is possible.
      onRequest: async () => service.encodes.check(),
      schema: {
        operationId: "addImage",
        summary: "Encode a photo once; prompts on it are cheap afterwards.",
        response: { 200: { description: "The image.", ...image }, ...errorAnswers },
      },
    },
    async (request, reply) => {
      const caller = callerOf(service, request, reply, service.limits.workMs);
      const photo = await receive(service, request, reply, caller);
      const { id, image, release } = await service.encode(photo, caller);
      release();
      return about(id, image);
    },
  );
}

function segment({ app, service }: RouteContext): void {
  app.post<OfImage & { Body: SegmentRequest }>(
    "/v1/images/:id/segment",
    {
      schema: {
        operationId: "segment",
        summary: "Segment what the prompts mean. One prompt alone is answered as PNG by Accept: image/png.",
        params: imageParams,
        body: segmentRequest,
        response: { 200: { description: "One segment for each prompt.", ...segments }, ...errorAnswers },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const isOne = request.body.prompts.length === 1;
      const type = preferredType(request, isOne ? ["application/json", "image/png"] : ["application/json"]);
      const caller = callerOf(service, request, reply, service.limits.workMs);
      const { image, release } = await service.lease(id, caller.signal);
      try {
        if (type === "application/json") {
          return await answerSegments(service, { id, image }, request.body, caller);
        }
        return sendPNG(reply, id, await answerPNG(service, { id, image }, request.body, caller));
      } finally {
        release();
      }
    },
  );
}

function askLadder({ app, service }: RouteContext): void {
  app.post<OfImage & { Body: LadderRequest }>(
    "/v1/images/:id/ladder",
    {
      schema: {
        operationId: "ladder",
        summary: "The different masks of one prompt, from fine to coarse.",
        params: imageParams,
        body: ladderRequest,
        response: { 200: { description: "The ladder.", ...ladder }, ...errorAnswers },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const caller = callerOf(service, request, reply, service.limits.workMs);
      const { image, release } = await service.lease(id, caller.signal);
      try {
        return await answerLadder(service, { id, image }, request.body, caller);
      } finally {
        release();
      }
    },
  );
}

function deleteImage({ app, service }: RouteContext): void {
  app.delete<OfImage>(
    "/v1/images/:id",
    {
      schema: {
        operationId: "deleteImage",
        summary: "Forget an image, in memory and on disk.",
        params: imageParams,
        response: { 204: { description: "It is forgotten.", type: "null" }, ...errorAnswers },
      },
    },
    async (request, reply) => {
      if (!(await service.delete(request.params.id))) throw noImage();
      return reply.code(204).send();
    },
  );
}
