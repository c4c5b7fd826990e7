import { type LabelProgress, labelFolder, writePreview } from "@unsam/pseudo-labels";
import { Command, Option } from "commander";
import { count } from "../arguments.js";
import { checkWritable } from "../check-writable.js";
import { explain } from "../failure.js";

interface Flags {
  readonly out: string;
  readonly divide?: "masks" | "cuts" | "tree";
  readonly model?: string;
  readonly config?: string;
  readonly threads?: number;
  readonly preview?: string;
  readonly json?: true;
}

export function pseudoLabelCommand(signal: AbortSignal): Command {
  return new Command("pseudo-label")
    .description(
      "Label a folder of photos without people: instances, their parts, and the granularity of each.",
    )
    .argument("<dir>", "folder of photos")
    .requiredOption(
      "--out <dir>",
      "folder for the label files, one NAME.json per photo; kept ones are not made again",
    )
    .addOption(
      new Option(
        "--divide <how>",
        "where instances come from: masks (a model's own), cuts (of its features) or tree (no weights); masks with --model",
      ).choices(["masks", "cuts", "tree"]),
    )
    .option("--model <file>", "checkpoint that looks at the photos")
    .option("--config <file>", "its configuration, where it is no official size")
    .option("--threads <n>", "worker threads (default: all cores)", count)
    .option("--preview <file.png>", "contact sheet of the first labelled photos")
    .option("--json", "print one JSON document to standard output")
    .action(async (folder: string, flags: Flags) => {
      if (flags.preview) await checkWritable("--preview", flags.preview, ".png");
      const { out, threads, model, config } = flags;
      const report = await labelFolder(folder, {
        out,
        divide: flags.divide ?? (model === undefined ? "tree" : "masks"),
        ...(model === undefined ? {} : { backbone: { model, ...(config === undefined ? {} : { config }) } }),
        ...(threads === undefined ? {} : { threads }),
        onProgress: show,
        signal,
      });
      if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
      for (const { file, error } of report.failed) {
        process.stderr.write(`unsam: ${file}: ${explain(error)}\n`);
      }
      if (flags.preview) await writePreview(folder, out, flags.preview);
      const { made, skipped, failed } = report;
      process.stdout.write(
        flags.json
          ? `${JSON.stringify({ out, made, skipped, failed: failed.map(({ file, error }) => ({ file, error: error.message })) }, null, 2)}\n`
          : `${made.length} labelled, ${skipped.length} there already, ${failed.length} failed; labels in ${out}\n`,
      );
      if (failed.length > 0) process.exitCode = 1;
    });
}

/** One line that rewrites itself on a terminal; elsewhere a line for every hundred images. */
function show({ done, total, failed, rate, secondsLeft }: LabelProgress): void {
  const left = secondsLeft === null ? "" : `, ${duration(secondsLeft)} left`;
  const line = `${done} of ${total} photos, ${rate.toFixed(2)} a second${left}${failed > 0 ? `, ${failed} failed` : ""}`;
  if (process.stderr.isTTY) process.stderr.write(`\r${line}\x1b[K`);
  else if (done % 100 === 0 || done === total) process.stderr.write(`${line}\n`);
}

function duration(seconds: number): string {
  const whole = Math.round(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${whole % 60} s` : `${whole} s`;
}
