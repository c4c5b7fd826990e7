import path from "node:path";
import { list } from "./files.js";

type Values = Readonly<Record<string, unknown>>;

const TO_COCO = "export or convert it to COCO's instance format";
/** Formats that the command line reads. */
const CONVERT = "convert it with `unsam convert IN OUT.coco.json`";

/** What a JSON is that looks like annotations but is not read, and what to do; null: nothing that we know. */
export function foreignJson(content: unknown): string | null {
  if (Array.isArray(content)) {
    const [first] = content as unknown[];
    return typeof first === "object" &&
      first !== null &&
      "image_id" in first &&
      ("segmentation" in first || "bbox" in first)
      ? "a list of COCO results without photos; give the JSON with images and annotations"
      : null;
  }
  if (typeof content !== "object" || content === null) return null;
  const values = content as Values;
  if (Array.isArray(values.annotations) && values.annotations.some(isPanoptic)) {
    return "in COCO's panoptic format, whose regions lie in PNG files; convert it to the detection format (panopticapi, panoptic2detection_coco_format)";
  }
  if (Array.isArray(values.shapes) && "imagePath" in values) {
    return `Labelme's JSON of one photo; ${CONVERT} (a whole folder: IN is the folder)`;
  }
  if ("_via_img_metadata" in values || Object.values(values).some(isViaEntry)) {
    return `a VGG Image Annotator project; ${TO_COCO} (Annotation, Export as COCO)`;
  }
  if ("image" in values && "info" in values && Array.isArray(values.annotations)) {
    return "the labels of one photo that `unsam pseudo-label` made; they are no truth to measure by";
  }
  return null;
}

function isPanoptic(annotation: unknown): boolean {
  return typeof annotation === "object" && annotation !== null && "segments_info" in annotation;
}

function isViaEntry(value: unknown): boolean {
  return typeof value === "object" && value !== null && "filename" in value && "regions" in value;
}

/** What a folder is that holds no data set that is read, and what to do; null: nothing that we know. */
export async function foreignFolder(folder: string): Promise<string | null> {
  const names = await list(folder);
  const maps = "copy the photos to images/ and the label maps to labels/ under the same names";
  if (names.includes("leftImg8bit") || names.includes("gtFine") || names.some(isCityscapes)) {
    return `Cityscapes: ${maps}, without _leftImg8bit and _gtFine_instanceIds or _gtFine_labelIds, and name the void labels in dataset.json ("void_labels": [0, 1, 2, 3, 4, 5, 6])`;
  }
  if (names.includes("images") && (names.includes("masks") || names.includes("annotations"))) {
    const other = names.includes("masks") ? "masks" : "annotations";
    return `photos with a folder ${other}/: rename it labels/ if it holds a label map for each photo, under the photo's name`;
  }
  const labels = await list(path.join(folder, "labels"));
  const kind = [".txt", ".npy", ".npz", ".mat", ".xml", ".json"].find((ending) =>
    labels.some((name) => name.endsWith(ending)),
  );
  if (kind === undefined) return null;
  const how = [".txt", ".xml", ".json"].includes(kind) ? CONVERT : TO_COCO;
  return `photos with labels in ${kind} files, which are not read: save label maps as PNG of one grey channel, or ${how}`;
}

function isCityscapes(name: string): boolean {
  return /_(labelIds|instanceIds|leftImg8bit)\.png$/.test(name);
}
