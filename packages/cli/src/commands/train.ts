import { Command } from "commander";
import { type DefaultsFlags, markRepeatable } from "../defaults/default-flags.js";
import { withExamples } from "../help/examples.js";
import { WEIGHTS_FLAG } from "../prompt-flags.js";
import type { Interrupt } from "../terminal/interrupt.js";
import { printResult, tell } from "../terminal/output.js";
import { findPython } from "../training/find-python.js";
import { runTraining, type TrainingSummary } from "../training/run-training.js";

/** Options that go to the Python package as they are; it checks their values. */
const PASSED = [
  ["--images <dir>", "folder of images"],
  ["--labels <dir>", "folder of label files, as `unsam pseudo-label` writes them"],
  ["--checkpoint <file>", "weights to start from, .pt or .safetensors"],
  ["--config <file>", "model configuration (JSON) of a checkpoint that is not an official size"],
  ["--weights <key>", `${WEIGHTS_FLAG}, of --checkpoint`],
  ["--preset <name>", "other defaults of the recipe: unsamv2 (of adapt) trains as the authors of UnSAMv2 do"],
  ["--steps <n>", "steps of the optimizer"],
  ["--batch-size <n>", "images of one step"],
  ["--evaluate-every <n>", "measure each n steps, where the recipe can (0: never)"],
  ["--learning-rate <x>", "peak of the learning rate"],
  ["--precision <type>", "float32 or bfloat16"],
  ["--device <name>", "cpu, cuda, cuda:1 … (default: a GPU where there is one)"],
  ["--threads <n>", "CPU threads"],
  ["--workers <n>", "processes that prepare samples"],
  ["--seed <n>", "seed of everything that is random"],
  ["--resume <how>", "a checkpoint in --out: same (default), changed or never"],
] as const;

interface TrainFlags extends DefaultsFlags, Record<string, unknown> {
  readonly set?: string[];
  readonly python?: string;
  readonly json?: true;
}

export function trainCommand(interrupt: Interrupt): Command {
  const command = new Command("train")
    .description("Train or adapt a model to your images (runs Python with PyTorch).")
    .requiredOption("--recipe <name>", "adapt (an official checkpoint) or nano (a small model from scratch)")
    .requiredOption("--out <dir>", "folder for checkpoints, log, pictures and weights");
  for (const [flags, text] of PASSED) command.option(flags, text);
  command
    .option(
      "--set <key=value>",
      "an option of the recipe; repeatable",
      (text: string, before: string[] = []) => [...before, text],
    )
    .option("--python <file>", "the Python to use (default: UNSAM_PYTHON, else the first that has PyTorch)")
    .option("--json", "print one JSON document to standard output")
    .argument("[more...]", "after --: further options of python3 -m unsam_training")
    .action((more: string[], flags: TrainFlags) => {
      interrupt.bePatient();
      return train(more, flags, interrupt.signal);
    });
  markRepeatable(command, "--set");
  return withExamples(command, [
    [
      "unsam train --recipe adapt --checkpoint unsamv2.pt --images photos --labels labels --out run",
      "adapt a model to your photos",
    ],
    ["unsam train --recipe nano --images photos --out run --steps 2000", "a small model from scratch"],
  ]);
}

async function train(more: readonly string[], flags: TrainFlags, signal: AbortSignal): Promise<void> {
  const { set = [], python: named, json, defaults: _, ...passed } = flags;
  const args = Object.entries(passed).flatMap(([name, value]) => [
    `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
    String(value),
  ]);
  const python = await findPython(named);
  tell(`Python ${python.python}, PyTorch ${python.torch} (${python.command})`);
  const settings = set.flatMap((text) => ["--set", text]);
  const { code, summary } = await runTraining(python, [...args, ...settings, ...more], signal);
  // The trainer has said on standard error what went wrong.
  process.exitCode = code;
  if (!summary) return;
  printResult(
    json,
    () => summary,
    () => describe(summary),
  );
}

function describe(summary: TrainingSummary): string {
  const { step, steps, first_loss, last_loss } = summary;
  const losses =
    typeof first_loss === "number" && typeof last_loss === "number"
      ? `, loss ${first_loss.toFixed(4)} at first, ${last_loss.toFixed(4)} at last`
      : "";
  const lines = [`${summary.out}: step ${step} of ${steps}${losses}`];
  if (summary.evaluation) {
    const { first, last } = summary.evaluation;
    for (const name of Object.keys(last).filter((key) => key !== "step")) {
      lines.push(
        `${name}: ${first[name].toFixed(4)} after step ${first.step}, ${last[name].toFixed(4)} after step ${last.step}`,
      );
    }
  }
  if (summary.weights) {
    lines.push(`weights: ${summary.weights}${summary.config ? ` (configuration: ${summary.config})` : ""}`);
  }
  const { changed, added, unchanged } = summary;
  if (changed && added) {
    lines.push(`tensors: ${changed.length} changed, ${added.length} added, ${unchanged} unchanged`);
    for (const name of changed) lines.push(`  changed  ${name}`);
    for (const name of added) lines.push(`  added    ${name}`);
  }
  return `${lines.join("\n")}\n`;
}
