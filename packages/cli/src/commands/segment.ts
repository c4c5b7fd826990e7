import { performance } from "node:perf_hooks";
import { formatNpy } from "@unsam/core/npy";
import { writeWhole } from "@unsam/core/whole-file";
import type { Granularity, Segment, UnSAM } from "@unsam/sdk";
import { Command } from "commander";
import { granularity } from "../arguments.js";
import { checkWritable } from "../check-writable.js";
import { loadModel } from "../load-model.js";
import { withProgress } from "../progress.js";
import { checkImage, checkPrompt, type PromptFlags, readPrompt, withPromptOptions } from "../prompt-flags.js";
import { segmentReport, shareOf } from "../segment-report.js";

interface SegmentFlags extends PromptFlags {
  readonly granularity?: Granularity;
  readonly multimask?: true;
  readonly out?: string;
  readonly overlay?: string;
  readonly logits?: string;
  readonly json?: true;
}

interface Timing {
  readonly load: number;
  readonly encode: number;
  readonly segment: number;
}

export function segmentCommand(signal: AbortSignal): Command {
  return withPromptOptions(new Command("segment"))
    .description("Segment what a click, a box or a mask means.")
    .option("--granularity <g>", "0 (part) to 1 (whole), fine, medium, coarse, or auto", granularity)
    .option("--multimask", "official multimask_output")
    .option("--out <file.png>", "write the mask")
    .option("--overlay <file.png>", "write the photo with the mask drawn over it")
    .option("--logits <file.npy>", "write the low-resolution logits")
    .option("--json", "print one JSON document to standard output")
    .action((image: string, flags: SegmentFlags) => segment(image, flags, signal));
}

async function segment(image: string, flags: SegmentFlags, signal: AbortSignal): Promise<void> {
  checkPrompt(flags);
  if (flags.out) await checkWritable("--out", flags.out, ".png");
  if (flags.overlay) await checkWritable("--overlay", flags.overlay, ".png");
  if (flags.logits) await checkWritable("--logits", flags.logits, ".npy");
  await checkImage(image);
  const prompt = { ...(await readPrompt(flags)), granularity: flags.granularity };

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
    alternatives: answer.alternatives.map(segmentReport),
    files: { mask: flags.out ?? null, overlay: flags.overlay ?? null, logits: flags.logits ?? null },
    milliseconds: {
      load: Math.round(timing.load),
      encode: Math.round(timing.encode),
      segment: Math.round(timing.segment),
    },
  };
}

function describe(image: string, unsam: UnSAM, answer: Segment, flags: SegmentFlags, timing: Timing): string {
  const { mask } = answer;
  const { x, y, width, height } = mask.bbox;
  const lines = [
    `${image}: a mask of ${mask.area} pixels (${shareOf(answer)} of ${mask.width} × ${mask.height}) at ${x},${y}, ${width} × ${height}`,
    `score ${answer.score.toFixed(3)}, stability ${answer.stability.toFixed(3)}` +
      (answer.granularity === null ? "" : `, granularity ${answer.granularity.toFixed(2)}`) +
      ` (${unsam.model.name}; encoding ${Math.round(timing.encode)} ms, segmenting ${Math.round(timing.segment)} ms)`,
  ];
  if (answer.alternatives.length > 0) {
    const others = answer.alternatives.map((other) => `${other.granularity!.toFixed(2)} (${shareOf(other)})`);
    lines.push(`other scales: ${others.join(", ")}`);
  }
  for (const file of [flags.out, flags.overlay, flags.logits]) if (file) lines.push(`wrote ${file}`);
  if (!flags.out && !flags.overlay && !flags.logits)
    lines.push("give --out mask.png or --overlay overlay.png to keep it");
  return `${lines.join("\n")}\n`;
}
