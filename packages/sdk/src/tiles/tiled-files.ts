import { UnSAMError } from "@unsam/core/errors";
import { reasonOf, shown, writeWholeFile } from "@unsam/core/files";
import type { Abortable } from "@unsam/core/runtime";
import { cocoAnnotation, cocoHead, type PolygonFeature, polygonFeature } from "../scene/scene-export.js";
import { masksOfForest } from "../scene/scene-forest.js";
import type { TiledData } from "./tiled-data.js";

// Files of a scene that may be too large for one string: they are written mask by mask. Worker side.

/** Text is handed to the system in pieces of about this many characters. */
const PIECE = 4 * 2 ** 20;

/** Writes pieces of text under a temporary name, then renames. Throws `E_IO`, and what `signal` throws. */
export async function writePieces(path: string, pieces: Iterable<string>, signal: Abortable): Promise<void> {
  try {
    await writeWholeFile(path, async (file) => {
      let text = "";
      for (const piece of pieces) {
        signal.throwIfAborted();
        text += piece;
        if (text.length < PIECE) continue;
        await file.writeFile(text);
        text = "";
      }
      await file.writeFile(text);
    });
  } catch (cause) {
    if (signal.aborted || UnSAMError.isInstance(cause)) throw cause;
    throw new UnSAMError("E_IO", `${shown(path)} could not be written: ${reasonOf(cause)}.`, { cause });
  }
}

/** What `SceneHierarchy.toGeoJSON` gives, one feature a line. */
export function* geojsonText({ width, height, entries, forest }: TiledData): Generator<string> {
  yield* listText({ type: "FeatureCollection", width, height }, "features", features());

  function* features(): Generator<PolygonFeature> {
    for (const mask of masksOfForest(entries, forest)) yield polygonFeature(mask);
  }
}

/** What `SceneHierarchy.toCOCO` gives, one annotation a line. */
export function* cocoText(
  { width, height, entries, forest }: TiledData,
  imageId: number,
  fileName: string,
): Generator<string> {
  const masks = masksOfForest(entries, forest);
  yield* listText(cocoHead({ width, height }, imageId, fileName), "annotations", annotations());

  function* annotations() {
    for (const mask of masks) yield cocoAnnotation(mask, imageId);
  }
}

/** An object whose last member is a long list. */
function* listText(head: object, name: string, items: Iterable<unknown>): Generator<string> {
  yield `${JSON.stringify(head).slice(0, -1)},${JSON.stringify(name)}:[`;
  let isFirst = true;
  for (const item of items) {
    yield `${isFirst ? "" : ","}\n${JSON.stringify(item)}`;
    isFirst = false;
  }
  yield "\n]}\n";
}
