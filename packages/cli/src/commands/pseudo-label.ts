import { UnSAMError } from "@unsam/core/errors";
import { MODEL_NAMES } from "@unsam/core/names";
import { withoutUndefined } from "@unsam/core/options";
import type { BackboneOptions, LabelProgress } from "@unsam/pseudo-labels";
import { Command, Option } from "commander";
import { count, share } from "../arguments.js";
import { checkWritable } from "../check-writable.js";
import { suggest } from "../completion/suggestions.js";
import { EXIT_FAILED, explain } from "../failure.js";
import { withExamples } from "../help/examples.js";
import { oneFolderOf } from "../images/patterns.js";
import { checkCheckpointFlags } from "../load-model.js";
import { modelFile } from "../model-file.js";
import { type FamilyFlags, ownFamilies, withFamilyOption } from "../own-families.js";
import { WEIGHTS_FLAG } from "../prompt-flags.js";
import type { Interrupt } from "../terminal/interrupt.js";
import { printResult, rewritesRow, tell } from "../terminal/output.js";
import { StatusRow } from "../terminal/progress.js";

interface Flags extends FamilyFlags {
  readonly out: string;
  readonly divide?: "masks" | "cuts" | "tree";
  readonly model?: string;
  readonly config?: string;
  readonly weights?: string;
  readonly threads?: number;
  readonly pointsPerSide?: number;
  readonly predictedIou?: number;
  readonly stability?: number;
  readonly preview?: string;
  readonly json?: true;
}

export function pseudoLabelCommand({ signal }: Interrupt): Command {
  const command = new Command("pseudo-label")
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
    .option("--model <name|file>", "checkpoint that encodes the photos, or a name to fetch (unsam models)")
    .option("--config <file>", "its configuration, where it is no official size")
    .option("--weights <key>", WEIGHTS_FLAG)
    .option("--points-per-side <n>", "masks: side of the grid of clicks (default 32)", count)
    .option("--predicted-iou <x>", "masks: those below are dropped (default 0.8)", share)
    .option("--stability <x>", "masks: those below are dropped (default 0.95)", share)
    .option("--threads <n>", "worker threads (default: all cores)", count)
    .option("--preview <file.png>", "contact sheet of the first labelled photos")
    .option("--json", "print one JSON document to standard output")
    .action((folder: string, flags: Flags) => pseudoLabel(folder, flags, signal));
  suggest(command, "--model", MODEL_NAMES);
  return withExamples(withFamilyOption(command), [
    ["unsam pseudo-label photos --out labels --preview sheet.png", "without any weights"],
    ["unsam pseudo-label photos --out labels --model unsamv2", "by a model's own masks"],
  ]);
}

async function pseudoLabel(given: string, flags: Flags, signal: AbortSignal): Promise<void> {
  const folder = await oneFolderOf(given, signal);
  if (flags.preview) await checkWritable("--preview", flags.preview, ".png");
  const { out, config, weights, threads } = flags;
  checkCheckpointFlags({ config, weights }, flags.model !== undefined);
  if (flags.family && flags.model === undefined) {
    throw new UnSAMError("E_BAD_OPTION", "--family belongs to a checkpoint; give --model FILE with it.");
  }
  const families = await ownFamilies(flags, signal);
  const divide = flags.divide ?? (flags.model === undefined ? "tree" : "masks");
  const thresholds = thresholdsOf(flags, divide);
  const model = flags.model === undefined ? undefined : await modelFile(flags.model, signal);
  const { labelFolder, writePreview } = await import("@unsam/pseudo-labels");
  const row = new StatusRow(`Looking at ${folder}`);
  row.start();
  const labelling = labelFolder(folder, {
    out,
    divide,
    ...(model === undefined
      ? {}
      : { backbone: { model, families, ...withoutUndefined({ config, weights }), ...thresholds } }),
    ...(threads === undefined ? {} : { threads }),
    onProgress: (progress) => show(progress, row),
    signal,
  });
  const { made, skipped, failed, empty, notTaken } = await labelling.finally(() => row.stop());
  for (const { file, error } of failed) tell(`unsam: ${file}: ${explain(error)}`);
  if (notTaken !== null) tell(`unsam: ${notTaken}`);
  const nothing = emptySentence(empty, made.length + skipped.length, divide);
  if (nothing !== null) tell(`unsam: ${nothing}`);
  if (flags.preview) await writePreview(folder, out, flags.preview);
  printResult(
    flags.json,
    () => ({
      out,
      made,
      skipped,
      empty,
      failed: failed.map(({ file, error }) => ({ file, error: error.message })),
    }),
    () =>
      `${made.length} labelled, ${skipped.length} there already, ${failed.length} failed${empty.length > 0 ? `, ${empty.length} without any label` : ""}; labels in ${out}\n`,
  );
  if (failed.length > 0 || empty.length === made.length + skipped.length) process.exitCode = EXIT_FAILED;
}

/** The generator's thresholds decide about its masks only. Throws `E_BAD_OPTION` where they would be dropped in silence. */
function thresholdsOf(flags: Flags, divide: string): Pick<BackboneOptions, "masks"> {
  const { pointsPerSide, predictedIou, stability } = flags;
  const masks = withoutUndefined({ pointsPerSide, predictedIou, stability });
  if (Object.keys(masks).length === 0) return {};
  if (divide === "masks" && flags.model !== undefined) return { masks };
  throw new UnSAMError(
    "E_BAD_OPTION",
    "--points-per-side, --predicted-iou and --stability belong to --divide masks; leave them out, or give a --model.",
  );
}

/** What to do about photos in which nothing was found; null where something was found in each. */
function emptySentence(empty: readonly string[], all: number, divide: string): string | null {
  if (empty.length === 0) return null;
  const examples = `${empty.slice(0, 3).join(", ")}${empty.length > 3 ? ", …" : ""}`;
  const advice =
    divide === "masks"
      ? "lower --predicted-iou or --stability, or try another --model"
      : "they may be too small, or try another --divide";
  return `${empty.length} of ${all} photos have no label (${examples}); ${advice}.`;
}

/** A line that stays for every hundred images where no row can be rewritten. */
function show({ done, total, failed, rate, secondsLeft }: LabelProgress, row: StatusRow): void {
  const left = secondsLeft === null ? "" : `, ${duration(secondsLeft)} left`;
  const line = `${done} of ${total} photos, ${rate.toFixed(2)} a second${left}${failed > 0 ? `, ${failed} failed` : ""}`;
  row.text = line;
  if (!rewritesRow && (done % 100 === 0 || done === total)) tell(line);
}

function duration(seconds: number): string {
  const whole = Math.round(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${whole % 60} s` : `${whole} s`;
}
