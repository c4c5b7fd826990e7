import { createHash } from "node:crypto";
import { UnSAMError } from "@unsam/core/errors";
import { openRegularFile, piecesOf, readFileBytes, readPieces, reasonOf } from "@unsam/core/files";
import { checkFormat } from "@unsam/core/image";
import { S3Store } from "../s3/s3-store.js";
import { locationOf } from "./location.js";

/** SHA-256 of a photo's bytes, which are never held together. Throws `E_IO`, `E_BAD_OPTION`, or the signal's reason. */
export async function digestOfPhoto(photo: string, signal: AbortSignal): Promise<string> {
  const location = locationOf(photo);
  const hash = createHash("sha256");
  if (location.kind === "s3") {
    const store = await S3Store.open(location.bucket);
    for await (const piece of await store.pieces(location.key, signal)) {
      signal.throwIfAborted();
      hash.update(piece);
    }
    return hash.digest("hex");
  }
  const { handle } = await openRegularFile(location.path, { what: "The photo", code: "E_IO", signal });
  try {
    for await (const piece of piecesOf(handle, signal)) hash.update(piece);
    return hash.digest("hex");
  } catch (cause) {
    signal.throwIfAborted();
    throw new UnSAMError("E_IO", `The photo ${location.path} could not be read: ${reasonOf(cause)}.`, {
      cause,
    });
  } finally {
    await handle.close();
  }
}

/** The bytes of a photo, which begin like one. Throws `E_BAD_IMAGE`; `E_IO` where it is not there or cannot be read now. */
export async function readPhoto(photo: string, signal: AbortSignal): Promise<Uint8Array> {
  const location = locationOf(photo);
  const name = `The image ${photo}`;
  const look = (head: Uint8Array) => void checkFormat(head, name);
  if (location.kind === "s3") {
    const store = await S3Store.open(location.bucket);
    return readPieces(await store.pieces(location.key, signal), { name, code: "E_BAD_IMAGE", signal, look });
  }
  return readFileBytes(location.path, {
    what: "The image",
    code: "E_BAD_IMAGE",
    systemCode: "E_IO",
    signal,
    look,
  });
}
