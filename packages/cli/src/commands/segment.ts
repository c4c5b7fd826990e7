import path from "node:path";
import { ANNOTATION_FORMATS, annotationFormatOf } from "@unsam/core/annotation-formats";
import { UnSAMError } from "@unsam/core/errors";
import { makeFolder } from "@unsam/core/files";
import { formatNpy } from "@unsam/core/npy";
import type { Granularity, Segment } from "@unsam/sdk";
import { Command } from "commander";
import { type Answered, answerImages } from "../answer-images.js";
import { bound, GRANULARITIES, granularity } from "../arguments.js";
import { suggest } from "../completion/suggestions.js";
import { withExamples } from "../help/examples.js";
import { checkImageFlags, type ImageFlags } from "../images/image-flags.js";
import { nameImages } from "../images/name-images.js";
import {
  checkResultOptions,
  type ResultOption,
  resultFile,
  writeResults,
  wrote,
} from "../outputs/result-files.js";
import { checkPrompt, type PromptFlags, readPrompt, withPromptOptions } from "../prompt-flags.js";
import { segmentReport, shareOf } from "../segment-report.js";
import type { Interrupt } from "../terminal/interrupt.js";
import { tell } from "../terminal/output.js";

const ANNOTATION_ENDS = ANNOTATION_FORMATS.map(({ suffixes }) => suffixes[0]).join(", ");

interface SegmentFlags extends PromptFlags, ImageFlags {
  readonly granularity?: Granularity;
  readonly multimask?: true;
  readonly out?: string;
  readonly overlay?: string;
  readonly logits?: string;
  readonly annotations?: string;
  readonly simplify?: number;
  readonly json?: true;
}

export function segmentCommand({ signal }: Interrupt): Command {
  const command = withPromptOptions(new Command("segment"))
    .description("Segment what a click, a box or a mask means.")
    .option("--granularity <g>", "0 (part) to 1 (whole), fine, medium, coarse, or auto", granularity)
    .option("--multimask", "official multimask_output")
    .option("--out <file.png>", "write the mask; of several photos a folder, or a name with {name} in it")
    .option("--overlay <file.png>", "write the photo with the mask drawn over it")
    .option("--logits <file.npy>", "write the low-resolution logits")
    .option(
      "--annotations <file>",
      `write the mask as annotations: ${ANNOTATION_ENDS}; of several photos a name with {name} in it`,
    )
    .option("--simplify <pixels>", "with --annotations: outlines that lie so near the exact ones", bound)
    .option("--json", "print one JSON document to standard output")
    .action((images: string[], flags: SegmentFlags) => segment(images, flags, signal));
  suggest(command, "--granularity", GRANULARITIES);
  return withExamples(command, [
    ["unsam segment street.jpg --point 412,300 --out mask.png", "what lies under a click"],
    [
      "unsam segment 'photos/*.jpg' --box 10,10,200,180 --granularity fine --out masks",
      "the same box in many photos",
    ],
    ["unsam segment - --point 412,300 --out - < street.jpg > mask.png", "in a pipe"],
  ]);
}

async function segment(given: string[], flags: SegmentFlags, signal: AbortSignal): Promise<void> {
  checkPrompt(flags);
  checkImageFlags(flags);
  const images = await nameImages(given, flags, signal);
  const files: Files = {
    mask: { flag: "--out", given: flags.out, extension: ".png", suffix: ".mask.png" },
    overlay: { flag: "--overlay", given: flags.overlay, extension: ".png", suffix: ".overlay.png" },
    logits: { flag: "--logits", given: flags.logits, extension: ".npy", suffix: ".logits.npy" },
    annotations: {
      flag: "--annotations",
      given: flags.annotations,
      extension: path.extname(flags.annotations ?? "").toLowerCase(),
      suffix: "",
    },
  };
  if (flags.annotations !== undefined) annotationFormatOf(flags.annotations);
  else if (flags.simplify !== undefined) {
    throw new UnSAMError("E_BAD_OPTION", "--simplify is about outlines; give --annotations with it.");
  }
  const { areSeveral } = images;
  const options = Object.values(files);
  await checkResultOptions(options, images, flags.json);
  const prompt = { ...(await readPrompt(flags, signal)), granularity: flags.granularity };

  const placed = ({ source }: Answered<Segment>): Placed => ({
    mask: resultFile(files.mask, source, areSeveral),
    overlay: resultFile(files.overlay, source, areSeveral),
    logits: resultFile(files.logits, source, areSeveral),
    annotations: resultFile(files.annotations, source, areSeveral),
  });
  await answerImages<Segment>(images, {
    flags,
    options,
    signal,
    ask: (encoded) => encoded.segment(prompt, { multimask: flags.multimask ?? false, signal }),
    write: async (answered) => {
      await writeFiles(answered.answer, placed(answered), areSeveral);
      await writeAnnotationsOf(answered, placed(answered), flags.simplify, signal);
    },
    report: (answered) => report(answered, placed(answered)),
    describe: (answered) => describe(answered, placed(answered), areSeveral),
  });
}

type Files = Readonly<Record<"mask" | "overlay" | "logits" | "annotations", ResultOption>>;
type Placed = Readonly<Record<keyof Files, string | null>>;

async function writeFiles(answer: Segment, placed: Placed, areSeveral: boolean): Promise<void> {
  // All content is made before the first file is written, so that a failure leaves nothing behind.
  const files: [string, Uint8Array][] = [];
  if (placed.mask) files.push([placed.mask, await answer.mask.toPNG()]);
  if (placed.overlay) files.push([placed.overlay, await answer.overlay()]);
  if (placed.logits) {
    const [height, width] = answer.logits.shape;
    files.push([placed.logits, formatNpy({ data: answer.logits.data, shape: [1, 1, height, width] })]);
  }
  await writeResults(files, areSeveral);
}

async function writeAnnotationsOf(
  { source, answer, size }: Answered<Segment>,
  { annotations }: Placed,
  simplify: number | undefined,
  signal: AbortSignal,
): Promise<void> {
  if (annotations === null) return;
  const { mask, score, stability, granularity } = answer;
  const image = { fileName: source.name, ...size, regions: [{ mask, score, stability, granularity }] };
  await makeFolder(path.dirname(path.resolve(annotations)));
  const { writeAnnotations } = await import("@unsam/sdk");
  const { lost } = await writeAnnotations(annotations, [image], { simplify, signal });
  if (lost.length > 0) tell(`${annotations} does not tell ${lost.join("; ")}`);
}

/** The document of `--json`; its schema is docs/schemas/segment.schema.json. */
function report(
  { source, answer, unsam, size, milliseconds: { load, encode, answer: segment } }: Answered<Segment>,
  files: Placed,
) {
  return {
    image: source.given,
    ...size,
    model: unsam.model,
    segment: segmentReport(answer),
    candidates: answer.candidates.map(segmentReport),
    alternatives: answer.alternatives.map(segmentReport),
    files,
    milliseconds: { load, encode, segment },
  };
}

function describe(
  { source, answer, unsam, milliseconds }: Answered<Segment>,
  placed: Placed,
  areSeveral: boolean,
): string {
  const { mask } = answer;
  const { x, y, width, height } = mask.bbox;
  const lines = [
    `${source.given}: a mask of ${mask.area} pixels (${shareOf(answer)} of ${mask.width} × ${mask.height}) at ${x},${y}, ${width} × ${height}`,
    `score ${answer.score.toFixed(3)}, stability ${answer.stability.toFixed(3)}` +
      (answer.granularity === null ? "" : `, granularity ${answer.granularity.toFixed(2)}`) +
      ` (${unsam.model.name}; encoding ${milliseconds.encode} ms, segmenting ${milliseconds.answer} ms)`,
  ];
  if (answer.alternatives.length > 0) {
    const others = answer.alternatives.map((other) => `${other.granularity!.toFixed(2)} (${shareOf(other)})`);
    lines.push(`other scales: ${others.join(", ")}`);
  }
  const files = [placed.mask, placed.overlay, placed.logits, placed.annotations].filter(
    (file) => file !== null,
  );
  for (const file of files) lines.push(wrote(file));
  if (files.length === 0 && !areSeveral)
    lines.push("give --out mask.png or --overlay overlay.png to keep it");
  return `${lines.join("\n")}\n`;
}
