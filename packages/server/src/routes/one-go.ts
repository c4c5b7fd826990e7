import { preferredType } from "../http/accept.js";
import { segments } from "../schemas/answers.js";
import { type SegmentRequest, segmentRequest } from "../schemas/requests.js";
import { ServiceError } from "../service-error.js";
import { answerPNG, answerSegments } from "./answer-prompts.js";
import { callerOf, errorAnswers, type RouteContext } from "./context.js";
import { photoAndPrompts } from "./documented-bodies.js";
import { receiveParts } from "./received.js";
import { sendPNG } from "./send-png.js";

/** A photo and its prompts in one request. */
export function oneGoRoute({ app, service }: RouteContext): void {
  app.post(
    "/v1/segment",
    {
      config: { documentedBody: photoAndPrompts },
      onRequest: async () => service.encodes.check(),
      schema: {
        operationId: "segmentPhoto",
        summary: "Encode a photo and segment in one go; the image is kept for more.",
        response: { 200: { description: "One segment for each prompt.", ...segments }, ...errorAnswers },
      },
    },
    async (request, reply) => {
      const caller = callerOf(service, request, reply, service.limits.workMs);
      if (!request.isMultipart()) {
        throw new ServiceError(
          415,
          "E_MEDIA_TYPE",
          'Send a multipart body with the file "image" and the text "request".',
        );
      }
      const { photo, text } = await receiveParts(service, request, reply, "request");
      const prompts = parseRequest(text, (value) => request.validateInput(value, segmentRequest));
      const isOne = prompts.prompts.length === 1;
      const type = preferredType(request, isOne ? ["application/json", "image/png"] : ["application/json"]);
      const { id, image, release } = await service.encode(photo, caller);
      try {
        if (type === "application/json") return await answerSegments(service, { id, image }, prompts, caller);
        return sendPNG(reply, id, await answerPNG(service, { id, image }, prompts, caller));
      } finally {
        release();
      }
    },
  );
}

function parseRequest(text: string | null, isSound: (value: unknown) => boolean): SegmentRequest {
  let value: unknown;
  try {
    value = JSON.parse(text ?? "");
  } catch {
    value = undefined;
  }
  if (isSound(value)) return value as SegmentRequest;
  throw new ServiceError(
    400,
    "E_BAD_REQUEST",
    'The part "request" must be JSON such as { "prompts": [{ "points": [[412, 300]] }] }.',
  );
}
