import type { CheckpointReport } from "@unsam/sdk";
import { Command } from "commander";
import { withExamples } from "../help/examples.js";
import { modelFile } from "../model-file.js";
import { type FamilyFlags, ownFamilies, withFamilyOption } from "../own-families.js";
import { WEIGHTS_FLAG } from "../prompt-flags.js";
import type { Interrupt } from "../terminal/interrupt.js";
import { printResult } from "../terminal/output.js";
import { withProgress } from "../terminal/progress.js";

interface Flags extends FamilyFlags {
  readonly config?: string;
  readonly weights?: string;
  readonly json?: true;
}

export function inspectCommand({ signal }: Interrupt): Command {
  const command = new Command("inspect")
    .description("Tell what a checkpoint holds, without loading it whole.")
    .argument("<file>", "a .pt or .safetensors file, an index of shards, or its folder; or a name to fetch")
    .option("--config <file>", "model configuration (JSON) of a checkpoint that is not an official size")
    .option("--weights <key>", WEIGHTS_FLAG)
    .option("--json", "print one JSON document to standard output")
    .action(async (named: string, flags: Flags) => {
      const { config, weights } = flags;
      const families = await ownFamilies(flags, signal);
      const file = await modelFile(named, signal);
      const report = await withProgress(`Reading ${file}`, async () => {
        const { inspectCheckpoint } = await import("@unsam/sdk");
        return inspectCheckpoint(file, { config, weights, families, signal });
      });
      printResult(
        flags.json,
        () => report,
        () => describe(report),
      );
    });
  return withExamples(withFamilyOption(command), [
    ["unsam inspect model.safetensors", "model, size, tensors"],
    ["unsam inspect model.pt --weights ema --json", "one of several models in a file"],
  ]);
}

function describe(report: CheckpointReport): string {
  const { path, format, byteLength, shards, tensors, otherTensors, parameters, dtypes, places } = report;
  const kind = shards.length > 0 ? `${format} in ${shards.length} shards` : format;
  const lines = [
    `${path}: ${kind}, ${(byteLength / 1e6).toFixed(1)} MB, ${tensors.length} tensors, ` +
      `${(parameters / 1e6).toFixed(2)} M parameters (${dtypes.join(", ")})`,
    `model: ${report.model ?? `not usable: ${report.problem}`}`,
    `sha256: ${report.fingerprint}`,
  ];
  if (places.length > 1 || (report.weights !== null && report.weights !== ".")) {
    const all = places.map(({ key, tensors }) => `${key} (${tensors} tensors)`).join(", ");
    lines.push(`weights: ${report.weights ?? "none chosen"}; there are ${all || "none"}`);
  }
  if (otherTensors > 0) lines.push(`${otherTensors} other tensors are passed over`);
  lines.push("");
  const width = Math.max(...tensors.map(({ name }) => name.length), 0);
  for (const { name, dtype, shape, isReadable } of tensors) {
    const mark = isReadable ? "" : "  (not read)";
    lines.push(`${name.padEnd(width)}  ${dtype.padEnd(8)}  [${shape.join(", ")}]${mark}`);
  }
  return `${lines.join("\n")}\n`;
}
