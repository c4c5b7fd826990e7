import type { AnnotatedImage } from "@unsam/core/annotation-record";
import { shownValue, UnSAMError } from "@unsam/core/errors";
import { checkBound } from "@unsam/core/outline";
import { computeThreads } from "@unsam/core/runtime";
import type { WrittenAnnotations } from "./write-files.js";

const worker = computeThreads().bind<typeof import("./write.worker.js")>(
  new URL("./write.worker.js", import.meta.url),
  "bulk",
);

export interface WriteAnnotationsOptions {
  /** Name of the format; left out, the end of the file's name tells. */
  readonly format?: string | undefined;
  /**
   * Simplifies outlines: no point of one lies farther than so many pixels from the exact one, and neighbours stay neighbours.
   * Left out, masks are written as they are.
   */
  readonly simplify?: number | undefined;
  /** Path of the photo: GeoJSON is written in the coordinates of the map that its world file or its tags place it on. */
  readonly georeference?: string | undefined;
  /** EPSG code of that map's coordinate reference system, which a world file does not tell. */
  readonly epsg?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Writes what is plain data already. Throws `E_BAD_OPTION`, `E_IO`, or the signal's reason. */
export function writePlain(
  path: string,
  images: readonly AnnotatedImage[],
  { format, simplify, georeference, epsg, signal }: WriteAnnotationsOptions,
): Promise<WrittenAnnotations> {
  if (simplify !== undefined) checkBound(simplify);
  if (epsg !== undefined && !(Number.isInteger(epsg) && epsg >= 1 && epsg <= 999_999)) {
    throw new UnSAMError("E_BAD_OPTION", `epsg is ${shownValue(epsg)}; it is a code such as 25832.`);
  }
  // Our own masks: they are here already.
  const maxBytes = Number.POSITIVE_INFINITY;
  return worker("write", [path, images, { format, simplify, georeference, epsg, maxBytes }], { signal });
}
