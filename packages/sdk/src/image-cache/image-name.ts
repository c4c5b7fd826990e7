import { createHash } from "node:crypto";
import type { UnSAM } from "../unsam.js";

/** What a decoded photo and its region tree take. */
const BYTES_PER_PIXEL = 7;

/** The name of an encoded image: who has the photo and the model has the name. `digest`: SHA-256 of the photo's bytes, hexadecimal. */
export function imageName({ engine }: UnSAM, digest: string): string {
  return createHash("sha256").update(engine.info.fingerprint).update(digest).digest("hex");
}

/** About what an encoded image will hold, before it is made. */
export function bytesToEncode({
  width,
  height,
}: {
  readonly width: number;
  readonly height: number;
}): number {
  return BYTES_PER_PIXEL * width * height;
}
