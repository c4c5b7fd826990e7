import { listText } from "@unsam/core/region-json";
import { cocoAnnotationOf, cocoHeadOf, type PolygonFeature, polygonFeature } from "../scene/scene-export.js";
import { masksOfForest } from "../scene/scene-forest.js";
import type { TiledData } from "./tiled-data.js";

// Files of a scene that may be too large for one string: they are written mask by mask. Worker side.

/** What `SceneHierarchy.toGeoJSON` gives, one feature a line. */
export function* geojsonText(scene: TiledData): Generator<string> {
  const { width, height, entries, forest } = scene;
  yield* listText({ type: "FeatureCollection", width, height }, "features", features());

  function* features(): Generator<PolygonFeature> {
    for (const mask of masksOfForest(entries, forest)) yield polygonFeature(mask, scene);
  }
}

/** What `SceneHierarchy.toCOCO` gives, one annotation a line. */
export function* cocoText(scene: TiledData, imageId: number, fileName: string): Generator<string> {
  const masks = masksOfForest(scene.entries, scene.forest);
  yield* listText(cocoHeadOf(scene, imageId, fileName), "annotations", annotations());

  function* annotations() {
    for (const mask of masks) yield cocoAnnotationOf(mask, scene, imageId);
  }
}
