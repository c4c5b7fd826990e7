import { stat } from "node:fs/promises";
import type { Abortable } from "../abortable.js";
import { UnSAMError } from "../errors.js";
import { readFileText, shown } from "../files/index.js";
import { readHeaderOfFile } from "../image/index.js";
import { readGeoTiff } from "./geotiff.js";
import type { GeoTransform } from "./transform.js";
import { parseWorldFile, worldFileNames } from "./world-file.js";

const MOST_WORLD_BYTES = 4096;

/**
 * Where a photo lies on the map: by a world file beside it, else by the tags of a GeoTIFF. A world file names no coordinate
 * reference system; that of the tags stands where there are both. null: neither is there. Throws `E_BAD_FILE`, `E_IO`.
 */
export async function findGeoreference(photo: string, signal?: Abortable): Promise<GeoTransform | null> {
  const tagged = await readGeoTiff(photo, signal);
  for (const file of worldFileNames(photo)) {
    if (!(await stat(file).catch(() => null))?.isFile()) continue;
    const what = "The world file";
    const text = await readFileText(file, { what, code: "E_BAD_FILE", maxBytes: MOST_WORLD_BYTES, signal });
    const placed = parseWorldFile(text, `${what} ${shown(file)}`);
    await refuseTurned(photo, signal);
    return { ...placed, epsg: tagged?.epsg ?? null };
  }
  return tagged;
}

/** The same of a photo that must lie on a map. Throws `E_BAD_OPTION` where nothing says where. */
export async function requireGeoreference(photo: string, signal?: Abortable): Promise<GeoTransform> {
  const found = await findGeoreference(photo, signal);
  if (found !== null) return found;
  throw new UnSAMError(
    "E_BAD_OPTION",
    `There is neither a world file beside ${shown(photo)} nor a tag in it that says where it lies on a map; leave the georeference out, or add a world file.`,
  );
}

/** A world file is about the pixels as they lie in the file, masks are of the photo as it is seen. */
async function refuseTurned(photo: string, signal?: Abortable): Promise<void> {
  signal?.throwIfAborted();
  const found = await readHeaderOfFile(photo, { what: "The photo", systemCode: "E_IO" });
  if ((found.orientation ?? 1) === 1) return;
  throw new UnSAMError(
    "E_UNSUPPORTED",
    `The photo ${shown(photo)} is turned by its EXIF orientation (${found.orientation}), and its world file is not; save it upright.`,
  );
}
