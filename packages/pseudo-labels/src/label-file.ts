import { shownValue, UnSAMError } from "@unsam/core/errors";
import { parseJson, readFileText, shown } from "@unsam/core/files";
import { Budget, checkLimits, checkPixels, type Limits } from "@unsam/core/limits";
import { boxBytes, checkRLE } from "@unsam/core/mask";
import type { Member } from "./family.js";

/** One mask of a label file. */
export interface Annotation {
  /** From 1. */
  readonly id: number;
  /** Of the photo: `image.id`. */
  readonly image_id: number;
  /** Of the one category: nothing says what a region is. */
  readonly category_id: 1;
  readonly iscrowd: 0;
  /** COCO's compressed run-length encoding. */
  readonly segmentation: { readonly size: readonly [number, number]; readonly counts: string };
  /** x, y, width, height in pixels. */
  readonly bbox: readonly [number, number, number, number];
  readonly area: number;
  /** Within the family of its instance: 0.1 … 1. */
  readonly granularity: number;
  /** The instance it belongs to, from 1. */
  readonly instance_id: number;
  readonly is_part: boolean;
  readonly predicted_iou: number;
  readonly stability_score: number;
}

/** What `docs/schemas/pseudo-label.schema.json` describes: the labels of one image. */
export interface LabelFile {
  readonly image: {
    readonly file_name: string;
    readonly width: number;
    readonly height: number;
    readonly id: number;
    /** The same as `id`, under the name that SA-1B has for it. */
    readonly image_id: number;
  };
  /** How the labels were made; files made alike are not made again. */
  readonly info: LabelInfo;
  readonly categories: readonly { readonly id: 1; readonly name: "object" }[];
  readonly annotations: readonly Annotation[];
}

export interface LabelInfo {
  readonly divide: "masks" | "cuts" | "tree";
  /** Version of the recipe, and what else decides the labels. */
  readonly recipe: string;
}

/** The families of one image as a label file; an instance before its parts. */
export function labelFile(
  { file_name, width, height, id }: Omit<LabelFile["image"], "image_id">,
  info: LabelInfo,
  families: readonly (readonly Member[])[],
): LabelFile {
  const annotations = families.flatMap((family, i) => family.map((member) => annotationOf(member, i + 1)));
  return {
    image: { file_name, width, height, id, image_id: id },
    info,
    categories: [{ id: 1, name: "object" }],
    annotations: annotations.map((annotation, i) => ({ ...annotation, id: i + 1, image_id: id })),
  };
}

function annotationOf(member: Member, instance: number): Annotation {
  const { mask, granularity, isPart, predictedIou, stability } = member;
  const { size, counts } = mask.toRLE({ compressed: true });
  const { x, y, width, height } = mask.bbox;
  return {
    id: 0,
    image_id: 0,
    category_id: 1,
    iscrowd: 0,
    segmentation: { size, counts: counts as string },
    bbox: [x, y, width, height],
    area: mask.area,
    granularity: rounded(granularity),
    instance_id: instance,
    is_part: isPart,
    predicted_iou: rounded(predictedIou),
    stability_score: rounded(stability),
  };
}

/** Six places are more than any of them means, and keep the files small. */
function rounded(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}

/** A label file has a dozen values an annotation; beyond this it is something else. */
const MOST_VALUES = 2 ** 20;

/**
 * Reads what `labelFile` made, also by earlier recipes. The text is not trusted: every number that is used is checked, and
 * what the masks cover is counted against the limits before any of it is filled. `name` begins the sentences of errors.
 * Throws `E_BAD_FILE`.
 */
export function parseLabelFile(
  text: string,
  name: string,
  limits: Pick<Limits, "maxPixels" | "maxBytes"> = {},
): LabelFile {
  checkLimits(limits);
  const refuse = (why: string) => new UnSAMError("E_BAD_FILE", `${name} is no label file: ${why}.`);
  const file = parseJson(text, name, "E_BAD_FILE", MOST_VALUES) as Partial<LabelFile> | null;
  const { image, info, annotations } = file ?? {};
  const sound =
    typeof image?.file_name === "string" &&
    isCount(image.width) &&
    isCount(image.height) &&
    typeof info?.divide === "string" &&
    typeof info.recipe === "string" &&
    Array.isArray(annotations);
  if (!sound) throw refuse("it needs image, info and annotations");
  checkPixels(name, image, limits.maxPixels);
  const budget = new Budget(name, limits.maxBytes);
  annotations.forEach((annotation: Partial<Annotation> | null, i) => {
    const wrong = wrongField(annotation);
    if (wrong) throw refuse(`annotation ${i} has ${wrong}`);
    const { size } = annotation!.segmentation!;
    if (size?.[0] !== image.height || size[1] !== image.width) {
      throw refuse(
        `annotation ${i} is a mask of ${shownValue(size)}, but the image is [${image.height}, ${image.width}]`,
      );
    }
    try {
      budget.take(boxBytes(checkRLE(annotation!.segmentation!, Number.POSITIVE_INFINITY)));
    } catch (cause) {
      throw new UnSAMError("E_BAD_FILE", `${name}: annotation ${i}: ${(cause as Error).message}`, { cause });
    }
  });
  return file as LabelFile;
}

/** The first field of an annotation that is not what readers take it for, with its value; null: there is none. */
function wrongField(annotation: Partial<Annotation> | null): string | null {
  if (typeof annotation !== "object" || annotation === null) return `the value ${shownValue(annotation)}`;
  const { segmentation, bbox, is_part } = annotation;
  if (typeof segmentation !== "object" || segmentation === null || typeof segmentation.counts !== "string") {
    return `the segmentation ${shownValue(segmentation)}`;
  }
  if (!Array.isArray(bbox) || bbox.length !== 4 || !bbox.every(Number.isFinite)) {
    return `the bbox ${shownValue(bbox)}`;
  }
  if (typeof is_part !== "boolean") return `is_part ${shownValue(is_part)}`;
  for (const field of ["id", "instance_id", "area"] as const) {
    if (!isCount(annotation[field])) return `the ${field} ${shownValue(annotation[field])}`;
  }
  for (const field of ["granularity", "predicted_iou", "stability_score"] as const) {
    if (!Number.isFinite(annotation[field])) return `the ${field} ${shownValue(annotation[field])}`;
  }
  return null;
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 1;
}

/** Reads a label file. Throws `E_IO`, `E_BAD_FILE`. */
export async function readLabelFile(file: string, signal?: AbortSignal): Promise<LabelFile> {
  const what = "The label file";
  return parseLabelFile(await readFileText(file, { what, signal }), `${what} ${shown(file)}`);
}
