import { writeWhole } from "@unsam/core/files";
import { checkImageFile } from "@unsam/core/image";
import { formatNpy } from "@unsam/core/npy";
import type { Granularity, Segment } from "@unsam/sdk";
import { Command } from "commander";
import { type Answered, answerPrompt } from "../answer-prompt.js";
import { granularity } from "../arguments.js";
import { checkDistinct, checkWritable } from "../check-writable.js";
import { checkPrompt, type PromptFlags, readPrompt, withPromptOptions } from "../prompt-flags.js";
import { segmentReport, shareOf } from "../segment-report.js";
import type { Interrupt } from "../terminal/interrupt.js";
import { printResult } from "../terminal/output.js";

interface SegmentFlags extends PromptFlags {
  readonly granularity?: Granularity;
  readonly multimask?: true;
  readonly out?: string;
  readonly overlay?: string;
  readonly logits?: string;
  readonly json?: true;
}

export function segmentCommand({ signal }: Interrupt): Command {
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
  await checkDistinct(
    [["the photo", image]],
    [
      ["--out", flags.out],
      ["--overlay", flags.overlay],
      ["--logits", flags.logits],
    ],
  );
  // A typing error should not cost the seconds that loading takes.
  await checkImageFile(image, signal);
  const prompt = { ...(await readPrompt(flags, signal)), granularity: flags.granularity };

  await answerPrompt(
    image,
    flags,
    signal,
    (encoded) => encoded.segment(prompt, { multimask: flags.multimask ?? false, signal }),
    async (answered) => {
      await writeFiles(answered.answer, flags);
      printResult(
        flags.json,
        () => report(image, answered, flags),
        () => describe(image, answered, flags),
      );
    },
  );
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
  { answer, unsam, size, milliseconds: { load, encode, answer: segment } }: Answered<Segment>,
  flags: SegmentFlags,
) {
  return {
    image,
    ...size,
    model: unsam.model,
    segment: segmentReport(answer),
    candidates: answer.candidates.map(segmentReport),
    alternatives: answer.alternatives.map(segmentReport),
    files: { mask: flags.out ?? null, overlay: flags.overlay ?? null, logits: flags.logits ?? null },
    milliseconds: { load, encode, segment },
  };
}

function describe(
  image: string,
  { answer, unsam, milliseconds }: Answered<Segment>,
  flags: SegmentFlags,
): string {
  const { mask } = answer;
  const { x, y, width, height } = mask.bbox;
  const lines = [
    `${image}: a mask of ${mask.area} pixels (${shareOf(answer)} of ${mask.width} × ${mask.height}) at ${x},${y}, ${width} × ${height}`,
    `score ${answer.score.toFixed(3)}, stability ${answer.stability.toFixed(3)}` +
      (answer.granularity === null ? "" : `, granularity ${answer.granularity.toFixed(2)}`) +
      ` (${unsam.model.name}; encoding ${milliseconds.encode} ms, segmenting ${milliseconds.answer} ms)`,
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
