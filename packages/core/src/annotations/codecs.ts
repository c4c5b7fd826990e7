import { UnSAMError } from "../errors.js";
import { parseJson } from "../files/index.js";
import type { AnnotationCodec } from "./format.js";
import { COCO } from "./formats/coco.js";
import { CVAT } from "./formats/cvat.js";
import { GEOJSON } from "./formats/geojson.js";
import { LABEL_STUDIO } from "./formats/label-studio.js";
import { LABELME } from "./formats/labelme.js";
import { YOLO } from "./formats/yolo.js";
import { type AnnotationFormat, annotationFormatNamed, formatBySuffix } from "./known-formats.js";

/** All formats with their readers and writers. */
export const ANNOTATION_CODECS: readonly AnnotationCodec[] = [
  COCO,
  LABELME,
  YOLO,
  CVAT,
  LABEL_STUDIO,
  GEOJSON,
];

/** Values of the largest file that is read, about: each takes tens of bytes. */
const MOST_VALUES = 20_000_000;

export function codecOf(format: AnnotationFormat): AnnotationCodec {
  const codec = ANNOTATION_CODECS.find(({ name }) => name === format.name);
  if (!codec) throw new Error(`Nothing reads ${format.name}.`);
  return codec;
}

/** By the name of a format. Throws `E_BAD_OPTION`; `option` begins the sentence. */
export function codecNamed(name: string, option: string): AnnotationCodec {
  return codecOf(annotationFormatNamed(name, option));
}

/** The format of a file's text, and its content: text, or parsed JSON. Throws `E_BAD_FILE`; `name` is shown in errors. */
export function recogniseAnnotations(
  text: string,
  file: string,
  name: string,
): { readonly format: AnnotationCodec; readonly content: unknown } {
  const named = formatBySuffix(file);
  const isJson = named ? named.content === "JSON" : /^\s*[[{]/.test(text);
  const content = isJson ? annotationJson(text, name) : text;
  const format = named ? codecOf(named) : ANNOTATION_CODECS.find((one) => one.recognises(content));
  if (format) return { format, content };
  const about = ANNOTATION_CODECS.map((one) => one.name).join(", ");
  throw new UnSAMError("E_BAD_FILE", `${name} is in none of the formats that are read (${about}).`);
}

export function annotationJson(text: string, name: string): unknown {
  return parseJson(text, name, "E_BAD_FILE", MOST_VALUES);
}
