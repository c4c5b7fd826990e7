import { UnSAMError } from "../../errors.js";
import { checkPixels } from "../../limits/index.js";
import { boxBytes, checkRLE, type Polygon, packRLE } from "../../mask/index.js";
import type { AnnotationCodec, ReadContext, WriteContext } from "../format.js";
import { JsonValue } from "../json-value.js";
import { annotationFormatNamed } from "../known-formats.js";
import { type AnnotatedImage, type AnnotatedRegion, DEFAULT_LABEL, type RegionShape } from "../record.js";
import { cocoAnnotation, cocoHead, listText } from "../region-json.js";

/** COCO's detection format: run lengths without loss, or rings. */
export const COCO: AnnotationCodec = {
  ...annotationFormatNamed("coco"),
  recognises: (content) =>
    isObject(content) && Array.isArray(content.images) && Array.isArray(content.annotations),
  write: textOf,
  read: async (content, context) => readDataSet(new JsonValue(content, context.name), context),
};

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function* textOf(images: readonly AnnotatedImage[], { budget, signal }: WriteContext): Generator<string> {
  const labels = [...new Set(images.flatMap(({ regions }) => regions.map(({ label }) => label)))];
  const category = new Map(labels.map((label, k) => [label, k + 1]));
  yield* listText(cocoHead(images, labels), "annotations", annotations());

  function* annotations() {
    let first = 1;
    for (const [k, image] of images.entries()) {
      for (const [i, region] of image.regions.entries()) {
        signal.throwIfAborted();
        const numbers = { id: first + i, image: k + 1, category: category.get(region.label) ?? 0, first };
        yield cocoAnnotation(region, image, numbers, budget);
      }
      first += image.regions.length;
    }
  }
}

function readDataSet(file: JsonValue, context: ReadContext): AnnotatedImage[] {
  const labels = new Map<unknown, string>();
  for (const category of file.at("categories").items({ optional: true })) {
    labels.set(category.at("id").value, category.at("name").text());
  }
  const images = new Map<unknown, { head: Omit<AnnotatedImage, "regions">; found: Found[] }>();
  for (const image of file.at("images").items()) {
    const [width, height] = [image.at("width").side(), image.at("height").side()];
    checkPixels(image.where, { width, height }, context.maxPixels);
    const id = image.at("id").value;
    if (images.has(id)) image.at("id").refuse("an id of its own");
    images.set(id, { head: { fileName: image.at("file_name").textOr(""), width, height }, found: [] });
  }
  for (const annotation of file.at("annotations").items()) {
    context.signal.throwIfAborted();
    const named = annotation.at("image_id");
    const image = images.get(named.value) ?? named.refuse("the id of an image of the file");
    if (annotation.at("iscrowd").value === 1) {
      context.note("annotation marked iscrowd left out: a crowd is no single region");
      continue;
    }
    const shape = shapeOf(annotation, image.head, context);
    if (shape === null) continue;
    image.found.push({ annotation, shape });
  }
  return [...images.values()].map(({ head, found }) => ({ ...head, regions: regionsOf(found, labels) }));
}

interface Found {
  readonly annotation: JsonValue;
  readonly shape: RegionShape;
}

function regionsOf(found: readonly Found[], labels: ReadonlyMap<unknown, string>): AnnotatedRegion[] {
  const places = new Map(found.map(({ annotation }, k) => [annotation.at("id").value, k]));
  return found.map(({ annotation, shape }, k): AnnotatedRegion => {
    const parent = places.get(annotation.at("parent").value);
    const category = annotation.at("category_id").value;
    return {
      label: labels.get(category) ?? (category === undefined ? DEFAULT_LABEL : String(category)),
      shape,
      score: (annotation.at("predicted_iou").isMissing
        ? annotation.at("score")
        : annotation.at("predicted_iou")
      ).numberOrNull(),
      stability: annotation.at("stability_score").numberOrNull(),
      granularity: annotation.at("granularity").numberOrNull(),
      parent: parent === undefined || parent === k ? null : parent,
    };
  });
}

/** null: nothing of it can be a region, and that is noted. */
function shapeOf(
  annotation: JsonValue,
  image: Omit<AnnotatedImage, "regions">,
  context: ReadContext,
): RegionShape | null {
  const segmentation = annotation.at("segmentation");
  if (segmentation.isMissing || (Array.isArray(segmentation.value) && segmentation.value.length === 0)) {
    context.note("annotation without a segmentation left out");
    return null;
  }
  if (Array.isArray(segmentation.value)) {
    const polygons = segmentation.items().map((ring): Polygon => ({ outer: ring.flatPoints(3), holes: [] }));
    return { kind: "polygons", polygons };
  }
  const size = segmentation.at("size");
  const [rows, columns] = size.list("[height, width]");
  if (rows !== image.height || columns !== image.width) {
    size.refuse(`[${image.height}, ${image.width}], the size of its image`);
  }
  try {
    const counts = segmentation.at("counts").value as string;
    const checked = checkRLE({ size: [image.height, image.width], counts }, Number.POSITIVE_INFINITY);
    context.budget.take(boxBytes(checked));
    const mask = packRLE(checked);
    context.budget.take(mask.data.byteLength);
    return { kind: "mask", mask };
  } catch (cause) {
    if (!UnSAMError.isInstance(cause)) throw cause;
    throw new UnSAMError("E_BAD_FILE", `${segmentation.where}: ${cause.message}`, { cause });
  }
}
