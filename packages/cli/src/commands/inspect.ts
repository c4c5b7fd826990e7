import { type CheckpointReport, inspectCheckpoint } from "@unsam/sdk";
import { Command } from "commander";
import type { Interrupt } from "../terminal/interrupt.js";
import { printResult } from "../terminal/output.js";
import { withProgress } from "../terminal/progress.js";

export function inspectCommand({ signal }: Interrupt): Command {
  return new Command("inspect")
    .description("Tell what a checkpoint holds, without loading it whole.")
    .argument("<file>", "a .pt or .safetensors file")
    .option("--config <file>", "model configuration (JSON) of a checkpoint that is not an official size")
    .option("--json", "print one JSON document to standard output")
    .action(async (file: string, flags: { config?: string; json?: true }) => {
      const report = await withProgress(`Reading ${file}`, () =>
        inspectCheckpoint(file, { config: flags.config, signal }),
      );
      printResult(
        flags.json,
        () => report,
        () => describe(report),
      );
    });
}

function describe(report: CheckpointReport): string {
  const lines = [
    `${report.path}: ${report.format}, ${(report.byteLength / 1e6).toFixed(1)} MB, ${report.tensors.length} tensors, ` +
      `${(report.parameters / 1e6).toFixed(2)} M parameters (${report.dtypes.join(", ")})`,
    `model: ${report.model ?? `not usable: ${report.problem}`}`,
    `sha256: ${report.fingerprint}`,
    "",
  ];
  const width = Math.max(...report.tensors.map(({ name }) => name.length), 0);
  for (const { name, dtype, shape } of report.tensors) {
    lines.push(`${name.padEnd(width)}  ${dtype.padEnd(8)}  [${shape.join(", ")}]`);
  }
  return `${lines.join("\n")}\n`;
}
