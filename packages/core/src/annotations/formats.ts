import path from "node:path";
import { UnSAMError } from "../errors.js";
import { parseJson } from "../files/index.js";
import type { AnnotationFormat } from "./format.js";
import { COCO } from "./formats/coco.js";
import { CVAT } from "./formats/cvat.js";
import { GEOJSON } from "./formats/geojson.js";
import { LABEL_STUDIO } from "./formats/label-studio.js";
import { LABELME } from "./formats/labelme.js";
import { YOLO } from "./formats/yolo.js";

/** All formats. A new one is a file in `formats/` and a line here. */
export const ANNOTATION_FORMATS: readonly AnnotationFormat[] = [
  COCO,
  LABELME,
  YOLO,
  CVAT,
  LABEL_STUDIO,
  GEOJSON,
];

/** Values of the largest file that is read, about: each takes tens of bytes. */
const MOST_VALUES = 20_000_000;

/** A format by its name. Throws `E_BAD_OPTION`; `option` begins the sentence. */
export function annotationFormatNamed(name: string, option: string): AnnotationFormat {
  const format = ANNOTATION_FORMATS.find((one) => one.name === name.toLowerCase());
  if (format) return format;
  const names = ANNOTATION_FORMATS.map((one) => one.name).join(", ");
  throw new UnSAMError("E_BAD_OPTION", `${option} is ${name}; give one of ${names}.`);
}

/** The format of a file to be written, by the end of its name. Throws `E_BAD_OPTION`. */
export function annotationFormatOf(file: string): AnnotationFormat {
  const format = bySuffix(file);
  if (format) return format;
  const ends = ANNOTATION_FORMATS.map(({ suffixes }) => suffixes[0]).join(", ");
  throw new UnSAMError(
    "E_BAD_OPTION",
    `${file} names no format by its end; end it in one of ${ends}, or name the format.`,
  );
}

/** The format of a file's text, and its content: text, or parsed JSON. Throws `E_BAD_FILE`; `name` is shown in errors. */
export function recogniseAnnotations(
  text: string,
  file: string,
  name: string,
): { readonly format: AnnotationFormat; readonly content: unknown } {
  const named = bySuffix(file);
  const isJson = named ? named.content === "JSON" : /^\s*[[{]/.test(text);
  const content = isJson ? annotationJson(text, name) : text;
  const format = named ?? ANNOTATION_FORMATS.find((one) => one.recognises(content));
  if (format) return { format, content };
  const about = ANNOTATION_FORMATS.map((one) => one.name).join(", ");
  throw new UnSAMError("E_BAD_FILE", `${name} is in none of the formats that are read (${about}).`);
}

export function annotationJson(text: string, name: string): unknown {
  return parseJson(text, name, "E_BAD_FILE", MOST_VALUES);
}

function bySuffix(file: string): AnnotationFormat | undefined {
  const name = path.basename(file).toLowerCase();
  return ANNOTATION_FORMATS.find(({ suffixes }) =>
    suffixes.some((end) => name.endsWith(end) && name !== end),
  );
}
