import path from "node:path";
import { UnSAMError } from "../errors.js";

// What is known of the formats without reading or writing any: a command line's help needs no more, and loads no more.

/** What a file may tell of an image beyond the shapes of its regions. */
export type Fact = "file name" | "label" | "score" | "stability" | "granularity" | "parent";

/** Which outlines a format takes as they are; others are written as pixels. */
export type Outlines = "with holes" | "of several parts" | "of one ring";

/** A kind of annotation file. */
export interface AnnotationFormat {
  /** As options name it. */
  readonly name: string;
  /** Ends of names by which it is known, the one that is written first. */
  readonly suffixes: readonly [string, ...string[]];
  /** End of a file's name in a folder of one file for each image, where the photo's name goes before it. */
  readonly inFolder: string;
  readonly about: string;
  readonly content: "JSON" | "text";
  /** A file tells of one image, or of any number. */
  readonly images: "one" | "many";
  readonly keeps: readonly Fact[];
  readonly outlines: Outlines;
  /** Labels are numbers, and their names in files beside it; of a folder the files lie in its folder `labels`. */
  readonly numbersLabels: boolean;
  /** It may be in the coordinates of a map. */
  readonly isForMaps: boolean;
  /** Masks are pictures, of a region's box or of the whole image: not for images larger than memory. */
  readonly hasPictures: boolean;
  /** What else is lost, as the end of “does not tell …”; null: nothing. */
  readonly changes: string | null;
}

/** All formats. A new one is an entry here, a file in `formats/` and a line in `codecs.ts`. */
export const ANNOTATION_FORMATS: readonly AnnotationFormat[] = [
  {
    name: "coco",
    suffixes: [".coco.json"],
    inFolder: ".json",
    about: "COCO annotations (RLE)",
    content: "JSON",
    images: "many",
    keeps: ["file name", "label", "score", "stability", "granularity", "parent"],
    outlines: "of several parts",
    numbersLabels: false,
    isForMaps: false,
    hasPictures: false,
    changes: null,
  },
  {
    name: "labelme",
    suffixes: [".labelme.json"],
    inFolder: ".json",
    about: "Labelme's JSON",
    content: "JSON",
    images: "one",
    keeps: ["file name", "label", "score", "stability", "granularity", "parent"],
    outlines: "of several parts",
    numbersLabels: false,
    isForMaps: false,
    hasPictures: true,
    changes: null,
  },
  {
    name: "yolo",
    suffixes: [".yolo.txt", ".txt"],
    inFolder: ".txt",
    about: "YOLO segmentation labels",
    content: "text",
    images: "one",
    keeps: ["label"],
    outlines: "with holes",
    numbersLabels: true,
    isForMaps: false,
    hasPictures: false,
    changes:
      "holes and parts as rings of their own: bridges of no width join them into one, which fills the same pixels by the even-odd rule",
  },
  {
    name: "cvat",
    suffixes: [".cvat.xml", ".xml"],
    inFolder: ".xml",
    about: "CVAT for images 1.1",
    content: "text",
    images: "many",
    keeps: ["file name", "label", "score", "stability", "granularity", "parent"],
    outlines: "of one ring",
    numbersLabels: false,
    isForMaps: false,
    hasPictures: false,
    changes: null,
  },
  {
    name: "labelstudio",
    suffixes: [".labelstudio.json"],
    inFolder: ".json",
    about: "Label Studio tasks",
    content: "JSON",
    images: "many",
    keeps: ["file name", "label", "score", "parent"],
    outlines: "of one ring",
    numbersLabels: false,
    isForMaps: false,
    hasPictures: true,
    changes: null,
  },
  {
    name: "geojson",
    suffixes: [".geojson"],
    inFolder: ".geojson",
    about: "polygons with holes",
    content: "JSON",
    images: "one",
    keeps: ["file name", "label", "score", "stability", "granularity", "parent"],
    outlines: "with holes",
    numbersLabels: false,
    isForMaps: true,
    hasPictures: false,
    changes: null,
  },
];

/** A format by its name. Throws `E_BAD_OPTION`; `option` begins the sentence. */
export function annotationFormatNamed(name: string, option = "format"): AnnotationFormat {
  const format = ANNOTATION_FORMATS.find((one) => one.name === name.toLowerCase());
  if (format) return format;
  const names = ANNOTATION_FORMATS.map((one) => one.name).join(", ");
  throw new UnSAMError("E_BAD_OPTION", `${option} is ${name}; give one of ${names}.`);
}

/** The format of a file to be written, by the end of its name. Throws `E_BAD_OPTION`. */
export function annotationFormatOf(file: string): AnnotationFormat {
  const format = formatBySuffix(file);
  if (format) return format;
  const ends = ANNOTATION_FORMATS.map(({ suffixes }) => suffixes[0]).join(", ");
  throw new UnSAMError(
    "E_BAD_OPTION",
    `${file} names no format by its end; end it in one of ${ends}, or name the format.`,
  );
}

export function formatBySuffix(file: string): AnnotationFormat | undefined {
  const name = path.basename(file).toLowerCase();
  return ANNOTATION_FORMATS.find(({ suffixes }) =>
    suffixes.some((end) => name.endsWith(end) && name !== end),
  );
}
