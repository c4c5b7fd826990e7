import { UnSAMError } from "../../errors.js";
import { type GeoTransform, isMirrored, isSound, toPixel } from "../../georeference/index.js";
import { checkPixels } from "../../limits/index.js";
import type { PolygonPoint } from "../../mask/index.js";
import type { AnnotationCodec, ReadContext, WriteContext } from "../format.js";
import { JsonValue } from "../json-value.js";
import { annotationFormatNamed } from "../known-formats.js";
import { type AnnotatedImage, type AnnotatedRegion, DEFAULT_LABEL, type RegionShape } from "../record.js";
import { geojsonFeature, listText } from "../region-json.js";

/** WGS 84, the only system that RFC 7946 knows, and which it does not name. */
const WGS84 = 4326;

/**
 * A FeatureCollection of MultiPolygons: in pixels of the image, y downwards, or, where it lies on a map, in the map's
 * coordinates. Members beyond RFC 7946: `width`, `height`, `file_name`, and on a map `transform` (the six coefficients of
 * `GeoTransform`) and `crs` (as in GeoJSON of 2008, where the system is known and not WGS 84).
 */
export const GEOJSON: AnnotationCodec = {
  ...annotationFormatNamed("geojson"),
  recognises: (content) =>
    typeof content === "object" &&
    content !== null &&
    "type" in content &&
    content.type === "FeatureCollection",
  write: ([image], context) => textOf(image, context),
  read: async (content, context) => [readCollection(new JsonValue(content, context.name), context)],
};

function* textOf(image: AnnotatedImage, { georeference, budget, signal }: WriteContext): Generator<string> {
  const { fileName, width, height, regions } = image;
  const crs = georeference?.epsg ?? WGS84;
  const head = {
    type: "FeatureCollection",
    ...(crs === WGS84 ? {} : { crs: { type: "name", properties: { name: `urn:ogc:def:crs:EPSG::${crs}` } } }),
    width,
    height,
    file_name: fileName,
    ...(georeference ? { transform: georeference.coefficients } : {}),
  };
  yield* listText(head, "features", features());

  function* features() {
    for (const [id, region] of regions.entries()) {
      signal.throwIfAborted();
      yield geojsonFeature(region, image, id, georeference, budget);
    }
  }
}

function readCollection(file: JsonValue, context: ReadContext): AnnotatedImage {
  const { width, height } = sizeOf(file, context);
  checkPixels(context.name, { width, height }, context.maxPixels);
  const transform = transformOf(file, context);
  const shapes: { feature: JsonValue; shape: RegionShape }[] = [];
  for (const feature of file.at("features").items()) {
    context.signal.throwIfAborted();
    const shape = shapeOf(feature.at("geometry"), transform, context);
    if (shape !== null) shapes.push({ feature, shape });
  }
  const places = new Map(shapes.map(({ feature }, k) => [feature.at("id").value, k]));
  const regions = shapes.map(({ feature, shape }, k): AnnotatedRegion => {
    const about = feature.at("properties").isMissing
      ? new JsonValue({}, feature.where)
      : feature.at("properties");
    const parent = about.at("parent").isMissing ? undefined : places.get(about.at("parent").value);
    return {
      label: about.at("label").textOr(DEFAULT_LABEL),
      shape,
      score: about.at("score").numberOrNull(),
      stability: about.at("stability").numberOrNull(),
      granularity: about.at("granularity").numberOrNull(),
      parent: parent === undefined || parent === k ? null : parent,
    };
  });
  return { fileName: file.at("file_name").textOr(context.photo?.fileName ?? ""), width, height, regions };
}

function sizeOf(file: JsonValue, { photo, name }: ReadContext): { width: number; height: number } {
  if (!file.at("width").isMissing)
    return { width: file.at("width").side(), height: file.at("height").side() };
  if (photo !== null) return photo;
  throw new UnSAMError(
    "E_BAD_FILE",
    `${name} does not say how large its image is (width, height), and its photo was not found; name the folder of the photos.`,
  );
}

/** From the map to the image; null: coordinates are pixels. */
function transformOf(file: JsonValue, { photo }: ReadContext): GeoTransform | null {
  const given = file.at("transform");
  if (given.isMissing) return file.at("width").isMissing ? (photo?.georeference ?? null) : null;
  const [a, b, c, d, e, f] = given.items().map((value) => value.number());
  if (!isSound([a, b, c, d, e, f])) given.refuse("six numbers that place an image on a map");
  return { coefficients: [a, b, c, d, e, f], epsg: null };
}

/** null: it has no area, and that is noted. */
function shapeOf(
  geometry: JsonValue,
  transform: GeoTransform | null,
  context: ReadContext,
): RegionShape | null {
  const type = geometry.isMissing ? "feature without a geometry" : geometry.at("type").text();
  if (type !== "Polygon" && type !== "MultiPolygon") {
    context.note(`${type} left out: it has no area`);
    return null;
  }
  const coordinates = geometry.at("coordinates");
  const polygons = (type === "Polygon" ? [coordinates] : coordinates.items()).map((polygon) => {
    const [outer, ...holes] = polygon.items().map((ring) => ringOf(ring, transform));
    return outer ? { outer, holes } : polygon.refuse("an outline, then holes");
  });
  return { kind: "polygons", polygons };
}

function ringOf(ring: JsonValue, transform: GeoTransform | null): PolygonPoint[] {
  const points = ring.points(4);
  const [first, last] = [points[0], points[points.length - 1]];
  if (first[0] !== last[0] || first[1] !== last[1]) ring.refuse("a ring, whose last point is its first");
  points.pop();
  if (transform === null) return points;
  const back = points.map(([x, y]) => toPixel(transform, x, y));
  return isMirrored(transform) ? back.reverse() : back;
}
