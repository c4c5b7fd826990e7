import { createHash } from "node:crypto";
import type { Readable } from "node:stream";
import type { FastifyReply } from "fastify";
import type { ByteRoom } from "../admission/byte-room.js";
import type { Photo } from "../images/photo.js";
import { ServiceError, tooLarge } from "../service-error.js";

/**
 * Reads a photo into memory: at most `maxBytes`, all that are there at once within `room`. Its bytes count until the answer
 * is complete. They are hashed as they come, so that no large photo keeps the event loop busy.
 */
export function receivePhoto(
  stream: Readable,
  reply: FastifyReply,
  { maxBytes, room }: { readonly maxBytes: number; readonly room: ByteRoom },
): Promise<Photo> {
  let held = 0;
  const release = () => {
    room.give(held);
    held = 0;
  };
  reply.raw.once("close", release);
  return new Promise((resolve, reject) => {
    const parts: Uint8Array[] = [];
    const hash = createHash("sha256");
    let isOver = reply.raw.closed;
    // Whoever is refused may go on sending: it is read and dropped, so that the answer arrives.
    const refuse = (why: unknown) => {
      isOver = true;
      parts.length = 0;
      release();
      reject(why);
    };
    stream.on("data", (part: Uint8Array) => {
      if (isOver || reply.raw.closed) return;
      try {
        if (held + part.length > maxBytes) throw tooLarge(maxBytes);
        room.take(part.length);
      } catch (why) {
        refuse(why);
        return;
      }
      held += part.length;
      hash.update(part);
      parts.push(part);
    });
    stream.once("end", () => {
      if (!isOver) resolve({ bytes: Buffer.concat(parts), digest: hash.digest("hex") });
    });
    // Its sender has hung up, or was cut off.
    const cutOff = () => {
      if (!isOver) reject(new ServiceError(400, "E_BAD_REQUEST", "The photo was cut off."));
    };
    stream.once("error", cutOff);
    stream.once("close", cutOff);
  });
}
