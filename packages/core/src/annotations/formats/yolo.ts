import { UnSAMError } from "../../errors.js";
import { checkPixels } from "../../limits/index.js";
import type { PolygonPoint } from "../../mask/index.js";
import type { AnnotationCodec, ReadContext } from "../format.js";
import { annotationFormatNamed } from "../known-formats.js";
import { type AnnotatedImage, type AnnotatedRegion, NOTHING_KNOWN, polygonsOf } from "../record.js";
import { bridged, rectangle } from "../shapes.js";

/** Of shares of the image: a millionth of a pixel of a photo of 1000. */
const DIGITS = 9;
/** Coordinates that programs have rounded lie a little outside. */
const SLACK = 0.01;

/**
 * YOLO's segmentation labels: a line for each region of one photo, its class by number and a ring in shares of the image's
 * width and height. Names of classes and the photo's size are in other files.
 */
export const YOLO: AnnotationCodec = {
  ...annotationFormatNamed("yolo"),
  recognises: (content) =>
    typeof content === "string" && /^\s*\d+(\s+-?[\d.eE+-]+){4,}\s*$/m.test(content.slice(0, 4096)),
  *write([image], { classes, signal }) {
    for (const region of image.regions) {
      signal.throwIfAborted();
      yield lineOf(region, image, classes);
    }
  },
  read: async (content, context) => [readLabels(content as string, context)],
};

/** A label as a line of a list of classes. */
export function className(label: string): string {
  return label.replace(/[\s\p{Cc}]+/gu, " ").trim() || "unnamed";
}

function lineOf(
  region: AnnotatedRegion,
  { width, height }: AnnotatedImage,
  classes: readonly string[],
): string {
  const share = (side: number, whole: number) => Number((side / whole).toFixed(DIGITS));
  const ring = bridged(polygonsOf(region)).flatMap(([x, y]) => [share(x, width), share(y, height)]);
  return `${classes.indexOf(className(region.label))} ${ring.join(" ")}\n`;
}

function readLabels(text: string, context: ReadContext): AnnotatedImage {
  const { photo, name, signal } = context;
  if (photo === null) {
    throw new UnSAMError(
      "E_BAD_FILE",
      `${name} gives shares of an image, and its photo was not found; name the folder of the photos.`,
    );
  }
  const { fileName, width, height } = photo;
  checkPixels(name, photo, context.maxPixels);
  const regions: AnnotatedRegion[] = [];
  for (const [k, line] of text.split("\n").entries()) {
    signal.throwIfAborted();
    if (line.trim() !== "") regions.push(regionOf(line.trim(), `${name}, line ${k + 1}`, photo, context));
  }
  return { fileName, width, height, regions };
}

function regionOf(
  line: string,
  where: string,
  { width, height }: { readonly width: number; readonly height: number },
  { classes, note }: ReadContext,
): AnnotatedRegion {
  const bad = (why: string) => new UnSAMError("E_BAD_FILE", `${where} ${why}.`);
  const [number, ...rest] = line.split(/\s+/).map(Number);
  if (!Number.isInteger(number) || number < 0) throw bad("does not begin with the number of a class");
  if (classes === null) note("label that is the number of its class: there is no classes.txt or data.yaml");
  const score = rest.length % 2 === 1 && rest.length > 4 ? (rest.pop() as number) : null;
  const wrong = rest.find((share) => !(share >= -SLACK && share <= 1 + SLACK));
  if (wrong !== undefined || (score !== null && !(score >= 0 && score <= 1))) {
    throw bad(`holds ${wrong ?? score}; coordinates are shares of the image, from 0 to 1`);
  }
  const isBox = rest.length === 4;
  if (!isBox && rest.length < 6) throw bad("has fewer than 3 points");
  if (isBox) note("box taken as a polygon");
  const [cx, cy, w, h] = rest;
  const shares = isBox
    ? rectangle(cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2)
    : Array.from({ length: rest.length / 2 }, (_, k): PolygonPoint => [rest[2 * k], rest[2 * k + 1]]);
  const outer = shares.map(([x, y]): PolygonPoint => [x * width, y * height]);
  const shape = { kind: "polygons", polygons: [{ outer, holes: [] }] } as const;
  return { ...NOTHING_KNOWN, label: classes?.[number] ?? String(number), shape, score };
}
