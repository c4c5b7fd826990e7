import { UnSAMError } from "@unsam/core/errors";
import { parseJson, readFileText } from "@unsam/core/files";
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

/** Reads what `labelFile` made. Throws `E_BAD_FILE`; run lengths are checked where they are decoded. */
export function parseLabelFile(text: string, name: string): LabelFile {
  const file = parseJson(text, name, "E_BAD_FILE") as Partial<LabelFile> | null;
  const { image, info, annotations } = file ?? {};
  const sound =
    typeof image?.file_name === "string" &&
    Number.isInteger(image.width) &&
    Number.isInteger(image.height) &&
    typeof info?.divide === "string" &&
    typeof info.recipe === "string" &&
    Array.isArray(annotations);
  if (!sound) {
    throw new UnSAMError("E_BAD_FILE", `${name} is no label file: it needs image, info and annotations.`);
  }
  return file as LabelFile;
}

/** Reads a label file. Throws `E_IO`, `E_BAD_FILE`. */
export async function readLabelFile(file: string, signal?: AbortSignal): Promise<LabelFile> {
  return parseLabelFile(await readFileText(file, { what: "The label file", signal }), file);
}
