import { type Diagnosis, diagnose } from "@unsam/sdk";
import { Command } from "commander";
import { withExamples } from "../help/examples.js";
import { printResult } from "../terminal/output.js";
import { withProgress } from "../terminal/progress.js";

export function doctorCommand(): Command {
  const command = new Command("doctor")
    .description("Tell what this machine offers and which engine runs.")
    .option("--json", "print one JSON document to standard output")
    .action(async (flags: { json?: true }) => {
      const diagnosis = await withProgress("Looking around", () => diagnose());
      printResult(
        flags.json,
        () => diagnosis,
        () => describe(diagnosis),
      );
      if (!diagnosis.ok) process.exitCode = 1;
    });
  return withExamples(command, [
    ["unsam doctor", "what works here, and what would work better"],
    ["unsam doctor --json", "the same for programs"],
  ]);
}

function describe(diagnosis: Diagnosis): string {
  const width = Math.max(...diagnosis.checks.map(({ name }) => name.length));
  const lines = diagnosis.checks.map(({ name, ok, found, advice }) => {
    const mark = ok ? "ok " : "-- ";
    return `${mark} ${name.padEnd(width)}  ${found}${advice ? `\n${" ".repeat(width + 6)}${advice}` : ""}`;
  });
  return `${lines.join("\n")}\n`;
}
