import path from "node:path";
import { UnSAMError } from "../../errors.js";
import { type Budget, checkPixels, maskBytes } from "../../limits/index.js";
import { type PackedMask, type PolygonPoint, packMask, wordsPerRow } from "../../mask/index.js";
import { decodeBrush, encodeBrush } from "../brush-runs.js";
import type { AnnotationCodec, ReadContext, WriteContext } from "../format.js";
import { JsonValue } from "../json-value.js";
import { annotationFormatNamed } from "../known-formats.js";
import { fits } from "../prepare.js";
import {
  type AnnotatedImage,
  type AnnotatedRegion,
  DEFAULT_LABEL,
  maskOf,
  type RegionShape,
} from "../record.js";
import { ellipse, rectangle } from "../shapes.js";

/** Label Studio counts coordinates in percent of the image's width and height. */
const PERCENT = 100;
const MOST_BRUSH_PIXELS = 2 ** 30 - 1;

/**
 * Label Studio's list of tasks. Regions of a model (all of them with a score) are written as predictions, others as an
 * annotation. Tags are named as in Label Studio's own templates: "tag" of "image".
 */
export const LABEL_STUDIO: AnnotationCodec = {
  ...annotationFormatNamed("labelstudio"),
  recognises: (content) =>
    Array.isArray(content) &&
    content.length > 0 &&
    content.every((task) => typeof task === "object" && task !== null && "data" in task),
  *write(images, context) {
    yield `${JSON.stringify(images.map((image, k) => taskOf(image, k + 1, context)))}\n`;
  },
  read: async (content, context) => readTasks(new JsonValue(content, context.name), context),
};

function taskOf(image: AnnotatedImage, id: number, context: WriteContext) {
  if (image.width * image.height > MOST_BRUSH_PIXELS) {
    throw new UnSAMError(
      "E_BAD_OPTION",
      `A brush mask of Label Studio has at most ${MOST_BRUSH_PIXELS} pixels, and the image ${image.width}×${image.height}; write another format.`,
    );
  }
  const result = image.regions.map((region, k) => {
    context.signal.throwIfAborted();
    return resultOf(region, k, image, context);
  });
  const scores = image.regions.map(({ score }) => score).filter((score) => score !== null);
  const isPrediction = scores.length > 0 && scores.length === image.regions.length;
  const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
  return {
    id,
    data: { image: image.fileName },
    annotations: isPrediction ? [] : [{ result }],
    predictions: isPrediction ? [{ model_version: "unsam", score: mean, result }] : [],
  };
}

function resultOf(region: AnnotatedRegion, k: number, image: AnnotatedImage, { budget }: WriteContext) {
  const { shape, label, score, parent } = region;
  const { width, height } = image;
  const isOutline = shape.kind === "polygons" && fits(shape, LABEL_STUDIO.outlines);
  const type = isOutline ? "polygonlabels" : "brushlabels";
  const value = isOutline
    ? {
        points: shape.polygons[0].outer.map(([x, y]) => [(PERCENT * x) / width, (PERCENT * y) / height]),
        closed: true,
      }
    : { format: "rle", rle: encodeBrush(maskOf(region, image, budget)) };
  return {
    id: `region-${k + 1}`,
    type,
    from_name: "tag",
    to_name: "image",
    original_width: width,
    original_height: height,
    image_rotation: 0,
    value: { ...value, [type]: [label] },
    ...(parent === null ? {} : { parentID: `region-${parent + 1}` }),
    ...(score === null ? {} : { score }),
  };
}

function readTasks(file: JsonValue, context: ReadContext): AnnotatedImage[] {
  const canvas = new Canvas();
  return file.items().flatMap((task) => readTask(task, canvas, context));
}

/** The first annotation that was not cancelled, else the first prediction: each is all of a task's regions by one author. */
function readTask(task: JsonValue, canvas: Canvas, context: ReadContext): AnnotatedImage[] {
  const annotations = task.at("annotations").items({ optional: true });
  const done = annotations.filter((annotation) => annotation.at("was_cancelled").value !== true);
  const predictions = task.at("predictions").items({ optional: true });
  const chosen = [...done, ...predictions.filter((prediction) => typeof prediction.value === "object")];
  if (chosen.length > 1)
    context.note("further annotation or prediction of a task left out: the first one is read");
  const results = chosen.length === 0 ? [] : chosen[0].at("result").items();
  const shapes: { result: JsonValue; type: string; shape: RegionShape }[] = [];
  let size: Size | null = null;
  for (const result of results) {
    context.signal.throwIfAborted();
    if (result.at("original_width").isMissing) {
      context.note("result that is no region left out");
      continue;
    }
    const own = { width: result.at("original_width").side(), height: result.at("original_height").side() };
    size ??= own;
    if (own.width !== size.width || own.height !== size.height) {
      result.at("original_width").refuse(`${size.width}, that of the task's first region`);
    }
    checkPixels(result.where, own, context.maxPixels);
    const type = result.at("type").text();
    const shape = shapeOf(result, type, own, canvas, context);
    if (shape !== null) shapes.push({ result, type, shape });
  }
  size ??= context.photo;
  if (size === null) {
    context.note("task without a region left out: the size of its image is not known");
    return [];
  }
  const places = new Map(shapes.map(({ result }, k) => [result.at("id").value, k]));
  const regions = shapes.map(({ result, type, shape }, k): AnnotatedRegion => {
    const parent = result.at("parentID").isMissing ? undefined : places.get(result.at("parentID").value);
    const [label] = result.at("value").at(type).items({ optional: true });
    return {
      label: label?.text() ?? DEFAULT_LABEL,
      shape,
      score: result.at("score").numberOrNull(),
      stability: null,
      granularity: null,
      parent: parent === undefined || parent === k ? null : parent,
    };
  });
  return [{ fileName: nameOf(task.at("data")), width: size.width, height: size.height, regions }];
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/** Exports name images by address: only the last part is the file's. */
function nameOf(data: JsonValue): string {
  const values = typeof data.value === "object" && data.value !== null ? Object.values(data.value) : [];
  const named = data.at("image").isMissing
    ? values.find((value) => typeof value === "string")
    : data.at("image").value;
  if (typeof named !== "string") return "";
  return /^[a-z][a-z0-9+.-]*:|^\/data\//i.test(named) ? path.posix.basename(named.split(/[?#]/)[0]) : named;
}

/** null: it is no region, or has no area, and that is noted. */
function shapeOf(
  result: JsonValue,
  type: string,
  size: Size,
  canvas: Canvas,
  context: ReadContext,
): RegionShape | null {
  const value = result.at("value");
  const { width, height } = size;
  const one = (outer: PolygonPoint[]): RegionShape => ({
    kind: "polygons",
    polygons: [{ outer, holes: [] }],
  });
  const x = (key: string) => (value.at(key).number() * width) / PERCENT;
  const y = (key: string) => (value.at(key).number() * height) / PERCENT;
  if (type === "brushlabels") return { kind: "mask", mask: readBrush(value, size, canvas, context) };
  if (type === "polygonlabels") {
    const points = value.at("points").points(3);
    return one(
      points.map(([px, py]): PolygonPoint => [fine((px * width) / PERCENT), fine((py * height) / PERCENT)]),
    );
  }
  if (type === "rectanglelabels" || type === "ellipselabels") {
    context.note(`${type === "rectanglelabels" ? "rectangle" : "ellipse"} taken as a polygon`);
    const turned = ((value.at("rotation").numberOrNull() ?? 0) * Math.PI) / 180;
    if (type === "ellipselabels") return one(ellipse([x("x"), y("y")], x("radiusX"), y("radiusY"), turned));
    const [left, top, wide, high] = [x("x"), y("y"), x("width"), y("height")];
    const [cos, sin] = [Math.cos(turned), Math.sin(turned)];
    // Label Studio turns a rectangle about its upper left corner.
    return one(
      rectangle(0, 0, wide, high).map(([dx, dy]) => [left + dx * cos - dy * sin, top + dx * sin + dy * cos]),
    );
  }
  context.note(`${type} left out: it has no area`);
  return null;
}

/** Percents come back to a pixel's 65536th, so that whole pixels are whole again. */
function fine(side: number): number {
  return Math.round(side * 65_536) / 65_536;
}

/** Clear bits of an image's size, for one mask after another: most of them paint a few rows. */
class Canvas {
  #words = new Uint32Array(0);

  of(width: number, height: number, budget: Budget): Uint32Array {
    const bytes = maskBytes(width, height);
    if (this.#words.byteLength === bytes) return this.#words;
    budget.take(bytes - this.#words.byteLength);
    this.#words = new Uint32Array(bytes / 4);
    return this.#words;
  }
}

function readBrush(
  value: JsonValue,
  { width, height }: Size,
  canvas: Canvas,
  { budget }: ReadContext,
): PackedMask {
  const format = value.at("format");
  if (format.value !== "rle") format.refuse('"rle"');
  const rle = value.at("rle");
  const list = rle.list("a list of bytes");
  const bytes = new Uint8Array(list.length);
  for (let k = 0; k < list.length; k++) {
    const byte = list[k];
    if (!Number.isInteger(byte) || (byte as number) < 0 || (byte as number) > 255) {
      new JsonValue(byte, `${rle.where}[${k}]`).refuse("a byte");
    }
    bytes[k] = byte as number;
  }
  const stride = wordsPerRow(width);
  const words = canvas.of(width, height, budget);
  const { top, bottom } = decodeBrush(bytes, { width, height }, words, rle.where);
  const painted = words.subarray(top * stride, bottom * stride);
  const mask = packMask(painted, width, bottom - top, { x: 0, y: top, width, height });
  painted.fill(0);
  budget.take(mask.data.byteLength);
  return mask;
}
