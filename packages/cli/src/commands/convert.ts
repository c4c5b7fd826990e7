import {
  ANNOTATION_FORMATS,
  annotationFormatNamed,
  annotationFormatOf,
} from "@unsam/core/annotation-formats";
import type { ReadAnnotations, WrittenAnnotations } from "@unsam/sdk";
import { Command } from "commander";
import { bound, count } from "../arguments.js";
import { checkDistinct } from "../check-writable.js";
import { suggest } from "../completion/suggestions.js";
import { withExamples } from "../help/examples.js";
import { wrote } from "../outputs/result-files.js";
import type { Interrupt } from "../terminal/interrupt.js";
import { printResult } from "../terminal/output.js";
import { withProgress } from "../terminal/progress.js";

interface ConvertFlags {
  readonly from?: string;
  readonly to?: string;
  readonly simplify?: number;
  readonly photos?: string;
  readonly georeference?: string;
  readonly epsg?: number;
  readonly maxPixels?: number;
  readonly maxBytes?: number;
  readonly json?: true;
}

const NAMES = ANNOTATION_FORMATS.map(({ name }) => name);
const ENDS = ANNOTATION_FORMATS.map(({ suffixes }) => suffixes[0]).join(", ");

export function convertCommand({ signal }: Interrupt): Command {
  const command = new Command("convert")
    .description("Convert annotations from one format to another, and tell what is lost.")
    .argument("<in>", "a file of annotations, a saved scene, or a folder of such files")
    .argument("<out>", `a file, by the end of its name: ${ENDS}; or a folder`)
    .option("--from <format>", `format of <in>, where it is not recognised: ${NAMES.join(", ")}, scene`)
    .option("--to <format>", `format of <out>, where its name does not tell: ${NAMES.join(", ")}`)
    .option(
      "--simplify <pixels>",
      "outlines that lie so near the exact ones; neighbours stay neighbours",
      bound,
    )
    .option("--photos <dir>", "where the photos are, for formats that do not tell their size")
    .option("--georeference <file>", "write .geojson where this photo lies on the map: world file, GeoTIFF")
    .option("--epsg <code>", "with --georeference: the map's coordinates, where nothing names them", count)
    .option("--max-pixels <n>", "refuse larger images (default 100 million)", count)
    .option("--max-bytes <n>", "refuse files whose masks take more (default 1 GiB)", count)
    .option("--json", "print one JSON document to standard output")
    .action((from: string, to: string, flags: ConvertFlags) => convert(from, to, flags, signal));
  suggest(command, "--from", [...NAMES, "scene"]);
  suggest(command, "--to", NAMES);
  return withExamples(command, [
    ["unsam convert street.labelme.json street.coco.json", "one photo"],
    ["unsam convert labelme-folder dataset --to yolo --simplify 1", "a folder, as a data set for training"],
    ["unsam convert scene.json scene.cvat.xml", "what everything wrote, to be corrected in CVAT"],
  ]);
}

async function convert(given: string, out: string, flags: ConvertFlags, signal: AbortSignal): Promise<void> {
  const { from, to, simplify, photos, georeference, epsg, maxPixels, maxBytes } = flags;
  // Before anything is read.
  if (to === undefined) annotationFormatOf(out);
  else annotationFormatNamed(to, "--to");
  if (from !== undefined && from !== "scene") annotationFormatNamed(from, "--from");
  await checkDistinct([["<in>", given]], [["<out>", out]]);
  const { readAnnotations, writeAnnotations } = await import("@unsam/sdk");
  const read = await withProgress(`Reading ${given}`, () =>
    readAnnotations(given, { format: from, photos, maxPixels, maxBytes, signal }),
  );
  const written = await withProgress(`Writing ${out}`, () =>
    writeAnnotations(out, read.images, { format: to, simplify, georeference, epsg, signal }),
  );
  printResult(
    flags.json,
    () => report(given, read, written),
    () => describe(given, read, written),
  );
}

/** The document of `--json`; its schema is docs/schemas/convert.schema.json. */
function report(given: string, read: ReadAnnotations, written: WrittenAnnotations) {
  return {
    input: given,
    from: read.format,
    to: written.format,
    images: read.images.length,
    regions: regionsOf(read),
    files: written.files,
    notes: read.notes,
    lost: written.lost,
  };
}

const MOST_SHOWN = 5;

function describe(given: string, read: ReadAnnotations, written: WrittenAnnotations): string {
  const count = (n: number, what: string) => `${n} ${what}${n === 1 ? "" : "s"}`;
  const { files, lost } = written;
  const lines = [
    `${given}: ${count(read.images.length, "image")}, ${count(regionsOf(read), "region")}, from ${read.format} to ${written.format}`,
    ...read.notes.map((note) => `read: ${note}`),
    ...(lost.length === 0 ? ["lost: nothing"] : lost.map((what) => `lost: ${what}`)),
    ...files.slice(0, MOST_SHOWN).map(wrote),
  ];
  if (files.length > MOST_SHOWN) lines.push(`and ${files.length - MOST_SHOWN} more files`);
  return `${lines.join("\n")}\n`;
}

function regionsOf({ images }: ReadAnnotations): number {
  return images.reduce((sum, { regions }) => sum + regions.length, 0);
}
