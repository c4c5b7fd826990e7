import { shownValue, UnSAMError } from "../../errors.js";
import { checkPixels, maskBytes } from "../../limits/index.js";
import {
  type PackedMask,
  PackedRows,
  type PolygonPoint,
  packMask,
  setRun,
  wordsPerRow,
} from "../../mask/index.js";
import type { AnnotationCodec, ReadContext, WriteContext } from "../format.js";
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
import { escaped, walkXml } from "../xml.js";

const MARK = /<annotations[\s>]/;
const FARTHEST = 1e9;

/** CVAT for images 1.1 (XML). */
export const CVAT: AnnotationCodec = {
  ...annotationFormatNamed("cvat"),
  recognises: (content) => typeof content === "string" && MARK.test(content.slice(0, 65_536)),
  write: xmlOf,
  read: async (content, context) => readXml(content as string, context),
};

/** Attributes of a region that CVAT has no place of its own for. */
const FACTS = ["score", "stability", "granularity"] as const;

function* xmlOf(images: readonly AnnotatedImage[], context: WriteContext): Generator<string> {
  const labels = [...new Set(images.flatMap(({ regions }) => regions.map(({ label }) => label)))];
  const attribute = (name: string) =>
    `<attribute><name>${name}</name><mutable>False</mutable><input_type>text</input_type><default_value></default_value><values></values></attribute>`;
  const attributes = `<attributes>${["number", "parent", ...FACTS].map(attribute).join("")}</attributes>`;
  const head = [
    '<?xml version="1.0" encoding="utf-8"?>',
    "<annotations>",
    "<version>1.1</version>",
    "<meta><task><labels>",
    ...labels.map((label) => `<label><name>${escaped(label)}</name>${attributes}</label>`),
    "</labels></task></meta>",
  ];
  yield `${head.join("\n")}\n`;
  for (const [k, image] of images.entries()) {
    const { fileName, width, height } = image;
    yield `<image id="${k}" name="${escaped(fileName)}" width="${width}" height="${height}">\n`;
    for (const [number, region] of image.regions.entries()) {
      context.signal.throwIfAborted();
      yield `${elementOf(region, number, image, context)}\n`;
    }
    yield "</image>\n";
  }
  yield "</annotations>\n";
}

function elementOf(
  region: AnnotatedRegion,
  number: number,
  image: AnnotatedImage,
  { budget }: WriteContext,
): string {
  const { shape, label, parent } = region;
  const facts: [string, number | null][] = [
    ["number", number + 1],
    ["parent", parent === null ? null : parent + 1],
    ...FACTS.map((fact): [string, number | null] => [fact, region[fact]]),
  ];
  const inside = facts
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `<attribute name="${name}">${value}</attribute>`)
    .join("");
  const common = `label="${escaped(label)}" source="auto" occluded="0"`;
  if (shape.kind === "polygons" && fits(shape, CVAT.outlines)) {
    const points = shape.polygons[0].outer.map(([x, y]) => `${x},${y}`).join(";");
    return `<polygon ${common} points="${points}" z_order="0">${inside}</polygon>`;
  }
  const mask = maskOf(region, image, budget);
  const [x0, y0, x1, y1] = mask.box;
  const place = `left="${x0}" top="${y0}" width="${x1 - x0 + 1}" height="${y1 - y0 + 1}"`;
  return `<mask ${common} rle="${runsOf(mask).join(", ")}" ${place} z_order="0">${inside}</mask>`;
}

/** Lengths of alternating runs of background and foreground, background first, row by row of the mask's box. */
function runsOf(mask: PackedMask): number[] {
  const [x0, y0, x1, y1] = mask.box;
  const width = x1 - x0 + 1;
  const runs = [0];
  let isSet = false;
  let done = 0;
  const until = (at: number, value: boolean) => {
    if (at === done) return;
    if (value === isSet) runs[runs.length - 1] += at - done;
    else runs.push(at - done);
    [isSet, done] = [value, at];
  };
  const rows = new PackedRows(mask);
  while (mask.area > 0 && rows.next()) {
    const start = (rows.y - y0) * width - x0;
    for (let i = 0; i < rows.count; i += 2) {
      until(start + rows.crossings[i], false);
      until(start + rows.crossings[i + 1], true);
    }
  }
  until(width * (y1 - y0 + 1), false);
  return runs;
}

type Attributes = Readonly<Record<string, string>>;

interface Open {
  readonly fileName: string;
  readonly width: number;
  readonly height: number;
  readonly found: Found[];
}

interface Found {
  readonly label: string;
  /** null: it has no area. It takes its attributes along, and goes when the image ends. */
  readonly shape: RegionShape | null;
  /** By their names. */
  readonly facts: Map<string, string>;
}

function readXml(text: string, context: ReadContext): AnnotatedImage[] {
  const images: AnnotatedImage[] = [];
  let image: Open | null = null;
  let attribute = "";
  let isRoot = true;
  const look = () => context.signal.throwIfAborted();
  const bad = (why: string) => new UnSAMError("E_BAD_FILE", `${context.name}: ${why}.`);
  const open = (name: string, attributes: Attributes) => {
    if (isRoot && name !== "annotations") throw bad(`its root is ${shownValue(name)}, not "annotations"`);
    isRoot = false;
    if (name === "track") throw bad("it is of a video; export it as “CVAT for images 1.1”");
    if (name === "image") image = openImage(attributes, context);
    else if (name === "attribute") attribute = attributes.name ?? "";
    else if (image && SHAPES.has(name)) {
      look();
      const shape = shapeOf(name, attributes, image, context);
      if (shape === null) context.note(`${name} left out: it has no area`);
      image.found.push({ label: attributes.label ?? DEFAULT_LABEL, shape, facts: new Map() });
    }
  };
  const close = (name: string, inside: string) => {
    if (name === "attribute") image?.found.at(-1)?.facts.set(attribute, inside.trim());
    if (name !== "image" || !image) return;
    images.push(closeImage(image, bad));
    image = null;
  };
  walkXml(text, context.name, { open, close }, look);
  return images;
}

const SHAPES: ReadonlySet<string> = new Set([
  "polygon",
  "mask",
  "box",
  "ellipse",
  "polyline",
  "points",
  "cuboid",
  "skeleton",
]);

function openImage(attributes: Attributes, context: ReadContext): Open {
  const [width, height] = ["width", "height"].map((side) =>
    wholeNumber(attributes, side, 1, "image", context),
  );
  checkPixels(context.name, { width, height }, context.maxPixels);
  return { fileName: attributes.name ?? "", width, height, found: [] };
}

function closeImage({ fileName, width, height, found }: Open, bad: (why: string) => Error): AnnotatedImage {
  const kept = found.filter(({ shape }) => shape !== null);
  const numbers = new Map(kept.map(({ facts }, k) => [facts.get("number") ?? `place ${k}`, k]));
  const numberOrNull = (facts: ReadonlyMap<string, string>, name: string) => {
    const text = facts.get(name) ?? "";
    if (text === "") return null;
    if (Number.isFinite(Number(text))) return Number(text);
    throw bad(`the attribute ${name} is ${shownValue(text)}, which is no number`);
  };
  const regions = kept.map(({ label, shape, facts }, k): AnnotatedRegion => {
    const parent = numbers.get(facts.get("parent") ?? "");
    return {
      label,
      shape: shape as RegionShape,
      score: numberOrNull(facts, "score"),
      stability: numberOrNull(facts, "stability"),
      granularity: numberOrNull(facts, "granularity"),
      parent: parent === undefined || parent === k ? null : parent,
    };
  });
  return { fileName, width, height, regions };
}

/** null: it has no area. */
function shapeOf(
  name: string,
  attributes: Attributes,
  image: Open,
  context: ReadContext,
): RegionShape | null {
  const one = (outer: PolygonPoint[]): RegionShape => ({
    kind: "polygons",
    polygons: [{ outer, holes: [] }],
  });
  const side = (key: string) => finite(attributes[key], `${name} ${key}`, context);
  if (name === "polygon") {
    const points = (attributes.points ?? "").split(";").map((pair): PolygonPoint => {
      const [x, y, ...more] = pair.split(",");
      if (more.length > 0) throw notNumber(pair, "polygon point", context);
      return [finite(x, "polygon point", context), finite(y, "polygon point", context)];
    });
    if (points.length < 3) throw notNumber(attributes.points, "list of polygon points", context);
    return one(points);
  }
  if (name === "mask") return { kind: "mask", mask: readMask(attributes, image, context) };
  if (name === "box" || name === "ellipse") {
    context.note(`${name} taken as a polygon`);
    const turned = attributes.rotation === undefined ? 0 : (side("rotation") * Math.PI) / 180;
    if (name === "ellipse") return one(ellipse([side("cx"), side("cy")], side("rx"), side("ry"), turned));
    const [x0, y0, x1, y1] = ["xtl", "ytl", "xbr", "ybr"].map(side);
    const [cx, cy] = [(x0 + x1) / 2, (y0 + y1) / 2];
    const corners = rectangle(x0, y0, x1, y1);
    if (turned === 0) return one(corners);
    const [cos, sin] = [Math.cos(turned), Math.sin(turned)];
    return one(
      corners.map(([x, y]) => [cx + (x - cx) * cos - (y - cy) * sin, cy + (x - cx) * sin + (y - cy) * cos]),
    );
  }
  return null;
}

function readMask(attributes: Attributes, image: Open, context: ReadContext): PackedMask {
  const whole = (key: string, least: number) => wholeNumber(attributes, key, least, "mask", context);
  const [left, top, width, height] = [
    whole("left", 0),
    whole("top", 0),
    whole("width", 1),
    whole("height", 1),
  ];
  const bad = (why: string) => new UnSAMError("E_BAD_FILE", `${context.name}: a mask ${why}.`);
  if (left + width > image.width || top + height > image.height) {
    throw bad(
      `of ${width}×${height} pixels at ${left},${top} lies outside its image of ${image.width}×${image.height}`,
    );
  }
  context.budget.take(maskBytes(width, height));
  const words = new Uint32Array(wordsPerRow(width) * height);
  let at = 0;
  for (const [k, text] of (attributes.rle ?? "").split(",").entries()) {
    const run = text.trim() === "" ? Number.NaN : Number(text);
    if (!Number.isInteger(run) || run < 0) throw bad(`has the run length ${shownValue(text.trim())}`);
    const end = at + run;
    if (end > width * height)
      throw bad(`has runs of more than ${width * height} pixels, the size of its box`);
    for (let from = at; k % 2 === 1 && from < end; ) {
      const row = Math.floor(from / width);
      const until = Math.min(end, (row + 1) * width);
      setRun(words, row * wordsPerRow(width), from - row * width, until - row * width);
      from = until;
    }
    at = end;
  }
  if (at !== width * height) throw bad(`has runs of ${at} pixels, its box ${width * height}`);
  return packMask(words, width, height, { x: left, y: top, width: image.width, height: image.height });
}

function wholeNumber(
  attributes: Attributes,
  key: string,
  least: number,
  what: string,
  context: ReadContext,
): number {
  const value = finite(attributes[key], `${what} ${key}`, context);
  if (Number.isInteger(value) && value >= least && value < 2 ** 31) return value;
  throw notNumber(attributes[key], `${what} ${key}`, context);
}

function finite(text: string | undefined, what: string, context: ReadContext): number {
  const value = text === undefined || text.trim() === "" ? Number.NaN : Number(text);
  if (Math.abs(value) <= FARTHEST) return value;
  throw notNumber(text, what, context);
}

function notNumber(text: string | undefined, what: string, { name }: ReadContext): UnSAMError {
  return new UnSAMError("E_BAD_FILE", `${name}: ${shownValue(text)} is no ${what}.`);
}
