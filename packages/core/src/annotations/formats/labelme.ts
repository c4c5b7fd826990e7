import { UnSAMError } from "../../errors.js";
import { checkPixels } from "../../limits/index.js";
import {
  decodeMaskPNG,
  encodeMaskPNG,
  type PackedMask,
  type Polygon,
  packMask,
  unpackMask,
} from "../../mask/index.js";
import type { AnnotationCodec, ReadContext, WriteContext } from "../format.js";
import { JsonValue } from "../json-value.js";
import { annotationFormatNamed } from "../known-formats.js";
import { fits } from "../prepare.js";
import { type AnnotatedImage, type AnnotatedRegion, maskOf, type RegionShape } from "../record.js";
import { circle, rectangle } from "../shapes.js";

/** Labelme's JSON of one photo. Fields that Labelme does not know (score, parent …) it keeps as they are. */
export const LABELME: AnnotationCodec = {
  ...annotationFormatNamed("labelme"),
  recognises: (content) =>
    typeof content === "object" && content !== null && "shapes" in content && "imagePath" in content,
  async *write([image], context) {
    yield `${JSON.stringify(await fileOf(image, context), null, 1)}\n`;
  },
  read: async (content, context) => [await readFile(new JsonValue(content, context.name), context)],
};

async function fileOf(image: AnnotatedImage, context: WriteContext) {
  const shapes: unknown[] = [];
  for (const [k, region] of image.regions.entries()) {
    context.signal.throwIfAborted();
    const { label, score, stability, granularity, parent } = region;
    const common = {
      label,
      // Labelme's own way to say that shapes are one region; here it is the region's number, too, from 1.
      group_id: k + 1,
      description: "",
      flags: {},
      score,
      stability,
      granularity,
      parent: parent === null ? null : parent + 1,
    };
    for (const own of await shapesOf(region, image, context)) shapes.push({ ...common, ...own });
  }
  return {
    version: "5.5.0",
    flags: {},
    shapes,
    imagePath: image.fileName,
    imageData: null,
    imageHeight: image.height,
    imageWidth: image.width,
  };
}

async function shapesOf(region: AnnotatedRegion, image: AnnotatedImage, { budget }: WriteContext) {
  const { shape } = region;
  if (shape.kind === "polygons" && fits(shape, LABELME.outlines)) {
    return shape.polygons.map(({ outer }) => ({ shape_type: "polygon", points: outer, mask: null }));
  }
  const mask = maskOf(region, image, budget);
  const [x0, y0, x1, y1] = mask.box;
  const [width, height] = [x1 - x0 + 1, y1 - y0 + 1];
  const words = unpackMask({ ...mask, width, height, box: [0, 0, width - 1, height - 1] });
  const png = (await encodeMaskPNG(words, width, height)).toString("base64");
  // The first and the last pixel of the box.
  return [
    {
      shape_type: "mask",
      points: [
        [x0, y0],
        [x1, y1],
      ],
      mask: png,
    },
  ];
}

async function readFile(file: JsonValue, context: ReadContext): Promise<AnnotatedImage> {
  const { photo } = context;
  const fileName = file.at("imagePath").textOr("").replaceAll("\\", "/");
  const [wide, high] = [file.at("imageWidth"), file.at("imageHeight")];
  const width = wide.isMissing && photo ? photo.width : wide.side();
  const height = high.isMissing && photo ? photo.height : high.side();
  checkPixels(context.name, { width, height }, context.maxPixels);
  const parts: Part[] = [];
  const groups = new Map<unknown, Part>();
  for (const shape of file.at("shapes").items()) {
    context.signal.throwIfAborted();
    const own = await shapeOf(shape, { width, height }, context);
    if (own === null) continue;
    const group = shape.at("group_id").value;
    // Two people may each have the group 1: shapes of another label are another region.
    const key = typeof group === "number" ? JSON.stringify([group, shape.at("label").value]) : null;
    const known = key === null ? undefined : groups.get(key);
    if (known?.shape.kind === "polygons" && own.kind === "polygons") {
      known.shape = { kind: "polygons", polygons: [...known.shape.polygons, ...own.polygons] };
      continue;
    }
    if (known) context.note("mask in a group with other shapes: each is a region of its own");
    const part = { first: shape, shape: own };
    parts.push(part);
    if (key !== null && !known) groups.set(key, part);
  }
  return { fileName, width, height, regions: regionsOf(parts) };
}

interface Part {
  readonly first: JsonValue;
  shape: RegionShape;
}

function regionsOf(parts: readonly Part[]): AnnotatedRegion[] {
  const numbers = new Map(parts.map(({ first }, k) => [first.at("group_id").value, k]));
  return parts.map(({ first, shape }, k) => {
    const parent = first.at("parent").isMissing ? undefined : numbers.get(first.at("parent").value);
    return {
      label: first.at("label").text(),
      shape,
      score: first.at("score").numberOrNull(),
      stability: first.at("stability").numberOrNull(),
      granularity: first.at("granularity").numberOrNull(),
      parent: parent === undefined || parent === k ? null : parent,
    };
  });
}

/** null: it has no area, and that is noted. */
async function shapeOf(
  shape: JsonValue,
  size: { readonly width: number; readonly height: number },
  context: ReadContext,
): Promise<RegionShape | null> {
  const kind = shape.at("shape_type").textOr("polygon");
  const points = shape.at("points");
  const one = (outer: Polygon["outer"]): RegionShape => ({
    kind: "polygons",
    polygons: [{ outer, holes: [] }],
  });
  if (kind === "mask") return { kind: "mask", mask: await readMask(shape, size, context) };
  if (kind === "polygon") return one(points.points(3));
  if (kind === "rectangle") {
    const [[x0, y0], [x1, y1]] = points.points(2);
    context.note("rectangle taken as a polygon");
    return one(rectangle(x0, y0, x1, y1));
  }
  if (kind === "circle") {
    const [centre, rim] = points.points(2);
    context.note("circle taken as a polygon");
    return one(circle(centre, Math.hypot(rim[0] - centre[0], rim[1] - centre[1])));
  }
  context.note(`${kind} left out: it has no area`);
  return null;
}

async function readMask(
  shape: JsonValue,
  size: { readonly width: number; readonly height: number },
  { budget, maxPixels }: ReadContext,
): Promise<PackedMask> {
  const points = shape.at("points");
  const [from, to] = points.points(2);
  const [x0, y0, x1, y1] = [...from, ...to].map(Math.round);
  if (x0 < 0 || y0 < 0 || x1 >= size.width || y1 >= size.height || x1 < x0 || y1 < y0) {
    points.refuse(`the first and last pixel of a box in ${size.width}×${size.height} pixels`);
  }
  const [width, height] = [x1 - x0 + 1, y1 - y0 + 1];
  const coded = shape.at("mask");
  try {
    const bytes = Buffer.from(coded.text(), "base64");
    const picture = await decodeMaskPNG(bytes, Math.min(width * height, maxPixels ?? Infinity), budget);
    if (picture.width === width && picture.height === height) {
      return packMask(picture.words, width, height, { x: x0, y: y0, ...size });
    }
    throw new UnSAMError(
      "E_BAD_FILE",
      `it has ${picture.width}×${picture.height} pixels, its box ${width}×${height}`,
    );
  } catch (cause) {
    if (!UnSAMError.isInstance(cause)) throw cause;
    throw new UnSAMError("E_BAD_FILE", `${coded.where}: ${cause.message.replace(/\.$/, "")}.`, { cause });
  }
}
