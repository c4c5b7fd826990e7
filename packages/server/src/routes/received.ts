import type { Readable } from "node:stream";
import type { FastifyReply, FastifyRequest } from "fastify";
import { receivePhoto } from "../http/uploads.js";
import type { Photo } from "../images/photo.js";
import { type UrlRequest, urlRequest } from "../schemas/requests.js";
import type { Caller, Service } from "../service.js";
import { ServiceError, tooLarge } from "../service-error.js";

/** What a multipart body holds: a photo, and perhaps a text. */
export interface Parts {
  readonly photo: Photo;
  readonly text: string | null;
}

/** The photo of a request: its body, the part `image` of it, or the address that it names. */
export async function receive(
  service: Service,
  request: FastifyRequest,
  reply: FastifyReply,
  caller: Caller,
): Promise<Photo> {
  if (request.isMultipart()) return (await receiveParts(service, request, reply)).photo;
  if (isStream(request.body)) {
    const body = request.body;
    return counted(service, () => receivePhoto(body, reply, roomOf(service)));
  }
  if (request.body === undefined || request.body === null) throw noPhoto();
  const check = request.getValidationFunction(urlRequest) ?? request.compileValidationSchema(urlRequest);
  if (!check(request.body)) throw noPhoto();
  return fetchPhoto(service, (request.body as UrlRequest).url, reply, caller);
}

/** A multipart body with a photo as its part `image`, and a text as its part `textName`, which may come before or behind it. */
export async function receiveParts(
  service: Service,
  request: FastifyRequest,
  reply: FastifyReply,
  textName?: string,
): Promise<Parts> {
  let photo: Photo | null = null;
  let text: string | null = null;
  const limits = { files: 1, fields: 1, parts: 2, fileSize: service.limits.photoBytes };
  for await (const part of request.parts({ limits: { ...limits, fieldSize: service.limits.jsonBytes } })) {
    if (part.type === "file" && part.fieldname === "image") {
      const { file } = part;
      photo = await counted(service, () => receivePhoto(file, reply, roomOf(service)));
      if (file.truncated) throw tooLarge(service.limits.photoBytes);
    } else if (part.type === "field" && part.fieldname === textName && typeof part.value === "string") {
      if (part.valueTruncated)
        throw new ServiceError(413, "E_TOO_LARGE", `The part ${textName} is too large.`);
      text = part.value;
    } else {
      throw new ServiceError(
        400,
        "E_BAD_REQUEST",
        `The parts of the body are image, a file${textName ? `, and ${textName}, a text` : ""}.`,
      );
    }
  }
  if (!photo) throw noPhoto();
  return { photo, text };
}

async function fetchPhoto(
  service: Service,
  url: string,
  reply: FastifyReply,
  caller: Caller,
): Promise<Photo> {
  const { fetcher, uploads: room } = service;
  if (!fetcher) throw new ServiceError(422, "E_URL", "This service fetches no photos; send the bytes.");
  const photo = await service.metrics.time("fetch", () =>
    fetcher.fetch(url, { maxBytes: service.limits.photoBytes, room, signal: caller.signal }),
  );
  if (reply.raw.closed) room.give(photo.bytes.length);
  else reply.raw.once("close", () => room.give(photo.bytes.length));
  return photo;
}

async function counted(service: Service, work: () => Promise<Photo>): Promise<Photo> {
  const photo = await service.metrics.time("receive", work);
  service.metrics.received(photo.bytes.length);
  return photo;
}

function roomOf({ limits, uploads }: Service) {
  return { maxBytes: limits.photoBytes, room: uploads };
}

function isStream(body: unknown): body is Readable {
  return typeof body === "object" && body !== null && "pipe" in body;
}

function noPhoto(): ServiceError {
  return new ServiceError(
    400,
    "E_BAD_REQUEST",
    'Send the bytes of a photo as image/…, a multipart body with the file "image", or { "url": … } as JSON.',
  );
}
