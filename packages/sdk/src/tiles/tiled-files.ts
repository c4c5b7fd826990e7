import { cocoAnnotation, cocoHead, type PolygonFeature, polygonFeature } from "../scene/scene-export.js";
import { masksOfForest } from "../scene/scene-forest.js";
import type { TiledData } from "./tiled-data.js";

// Files of a scene that may be too large for one string: they are written mask by mask. Worker side.

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
