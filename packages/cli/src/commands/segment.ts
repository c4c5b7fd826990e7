import { readFile, stat } from "node:fs/promises";
import { performance } from "node:perf_hooks";
import { formatNpy, parseNpy } from "@unsam/core/npy";
import {
  type Granularity,
  type PointInput,
  type PromptInput,
  type Segment,
  type UnSAM,
  UnSAMError,
} from "@unsam/sdk";
import { Command } from "commander";
import { box, count, granularity, point } from "../arguments.js";
import { loadModel, type ModelOptions } from "../load-model.js";
import { withProgress } from "../progress.js";
import { checkWritable, writeWhole } from "../write-file.js";

interface SegmentFlags extends ModelOptions {
  readonly point?: PointInput[];
  readonly box?: [number, number, number, number];
  readonly maskInput?: string;
  readonly granularity?: Granularity;
  readonly multimask?: true;
  readonly out?: string;
  readonly overlay?: string;
  readonly logits?: string;
  readonly json?: true;
  readonly maxPixels?: number;
}

interface Timing {
  readonly load: number;
  readonly encode: number;
  readonly segment: number;
}

export function segmentCommand(signal: AbortSignal): Command {
  return new Command("segment")
    .description("Segment what a click, a box or a mask means.")
    .argument("<image>", "the photo")
    .option("--model <name|file>", "built-in model, or a .pt or .safetensors checkpoint")
    .option("--config <file>", "model configuration (JSON) of a checkpoint that is not an official size")
    .option(
      "--point <x,y[,0|1]>",
      "a click in pixels; 1 foreground (default), 0 background; repeatable",
      point,
    )
    .option("--box <x0,y0,x1,y1>", "a box in pixels", box)
    .option("--mask-input <file.npy>", "low-resolution logits of an earlier answer")
    .option("--granularity <g>", "0 (part) to 1 (whole), fine, medium, coarse, or auto", granularity)
    .option("--multimask", "official multimask_output")
    .option("--threads <n>", "threads for the encoder (default: one per core)", count)
    .option("--max-pixels <n>", "refuse larger photos before they are decoded (default: 100000000)", count)
    .option("--out <file.png>", "write the mask")
    .option("--overlay <file.png>", "write the photo with the mask drawn over it")
    .option("--logits <file.npy>", "write the low-resolution logits")
    .option("--json", "print one JSON document to standard output")
    .action((image: string, flags: SegmentFlags) => segment(image, flags, signal));
}

async function segment(image: string, flags: SegmentFlags, signal: AbortSignal): Promise<void> {
  if (!flags.point && !flags.box && !flags.maskInput) {
    throw new UnSAMError(
      "E_BAD_PROMPT",
      "There is no prompt; give --point X,Y, --box X0,Y0,X1,Y1 or --mask-input FILE.npy.",
    );
  }
  if (flags.out) await checkWritable("--out", flags.out, ".png");
  if (flags.overlay) await checkWritable("--overlay", flags.overlay, ".png");
  if (flags.logits) await checkWritable("--logits", flags.logits, ".npy");
  await checkImage(image);
  const prompt = await readPrompt(flags);

  const started = performance.now();
  await using unsam = await loadModel(flags, signal);
  const loaded = performance.now();
  await using encoded = await withProgress(`Encoding ${image}`, () =>
    unsam.encode(image, { signal, maxPixels: flags.maxPixels }),
  );
  const looked = performance.now();
  const answer = await withProgress("Segmenting", () =>
    encoded.segment(prompt, { multimask: flags.multimask ?? false, signal }),
  );
  const timing = { load: loaded - started, encode: looked - loaded, segment: performance.now() - looked };

  await writeFiles(answer, flags);
  const size = { width: encoded.width, height: encoded.height };
  if (flags.json)
    process.stdout.write(`${JSON.stringify(report(image, size, unsam, answer, flags, timing), null, 2)}\n`);
  else process.stdout.write(describe(image, unsam, answer, flags, timing));
}

async function checkImage(image: string): Promise<void> {
  // Said before the model is loaded: a typing error should not cost the seconds that takes.
  const found = await stat(image).catch(() => null);
  if (!found) throw new UnSAMError("E_BAD_IMAGE", `There is no file ${image}.`);
  if (found.isDirectory()) throw new UnSAMError("E_BAD_IMAGE", `${image} is a folder; give an image file.`);
}

async function readPrompt(flags: SegmentFlags): Promise<PromptInput> {
  const mask = flags.maskInput === undefined ? undefined : await readMaskInput(flags.maskInput);
  return { points: flags.point, box: flags.box, mask, granularity: flags.granularity };
}

async function readMaskInput(file: string) {
  const bytes = await readFile(file).catch((cause) => {
    throw new UnSAMError("E_BAD_FILE", `--mask-input ${file} cannot be read: ${cause.message}`, { cause });
  });
  return parseNpy(bytes, file);
}

async function writeFiles(answer: Segment, flags: SegmentFlags): Promise<void> {
  // All content is made before the first file is written, so that a failure leaves nothing behind.
  const files: [string, Uint8Array][] = [];
  if (flags.out) files.push([flags.out, await answer.mask.toPNG()]);
  if (flags.overlay) files.push([flags.overlay, await answer.overlay()]);
  if (flags.logits) {
    const [height, width] = answer.logits.shape;
    files.push([flags.logits, formatNpy({ data: answer.logits.data, shape: [1, 1, height, width] })]);
  }
  for (const [file, content] of files) await writeWhole(file, content);
}

/** The document of `--json`; its schema is docs/schemas/segment.schema.json. */
function report(
  image: string,
  size: { width: number; height: number },
  unsam: UnSAM,
  answer: Segment,
  flags: SegmentFlags,
  timing: Timing,
) {
  return {
    image,
    ...size,
    model: unsam.model,
    segment: segmentReport(answer),
    candidates: answer.candidates.map(segmentReport),
    files: { mask: flags.out ?? null, overlay: flags.overlay ?? null, logits: flags.logits ?? null },
    milliseconds: {
      load: Math.round(timing.load),
      encode: Math.round(timing.encode),
      segment: Math.round(timing.segment),
    },
  };
}

function segmentReport(segment: Segment) {
  const { score, objectScore, stability, granularity, mask } = segment;
  return { score, objectScore, stability, granularity, area: mask.area, bbox: mask.bbox, rle: mask.toRLE() };
}

function describe(image: string, unsam: UnSAM, answer: Segment, flags: SegmentFlags, timing: Timing): string {
  const { mask } = answer;
  const share = ((100 * mask.area) / (mask.width * mask.height)).toFixed(1);
  const { x, y, width, height } = mask.bbox;
  const lines = [
    `${image}: a mask of ${mask.area} pixels (${share} % of ${mask.width} × ${mask.height}) at ${x},${y}, ${width} × ${height}`,
    `score ${answer.score.toFixed(3)}, stability ${answer.stability.toFixed(3)}` +
      (answer.granularity === null ? "" : `, granularity ${answer.granularity.toFixed(2)}`) +
      ` (${unsam.model.name}; encoding ${Math.round(timing.encode)} ms, segmenting ${Math.round(timing.segment)} ms)`,
  ];
  for (const file of [flags.out, flags.overlay, flags.logits]) if (file) lines.push(`wrote ${file}`);
  if (!flags.out && !flags.overlay && !flags.logits)
    lines.push("give --out mask.png or --overlay overlay.png to keep it");
  return `${lines.join("\n")}\n`;
}
