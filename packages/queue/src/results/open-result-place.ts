import { locationOf } from "../inputs/location.js";
import { S3Store } from "../s3/s3-store.js";
import { FolderPlace } from "./folder-place.js";
import type { ResultPlace } from "./result-place.js";
import { S3Place } from "./s3-place.js";

/** Throws `E_BAD_OPTION`, `E_UNSUPPORTED`. */
export async function openResultPlace(out: string): Promise<ResultPlace> {
  const location = locationOf(out);
  if (location.kind === "file") return new FolderPlace(location.path);
  return new S3Place(await S3Store.open(location.bucket), location.key);
}
