import { BUILT_IN_MODELS } from "@unsam/core/names";
import type { ListedModel } from "@unsam/sdk";
import { Command } from "commander";
import { withExamples } from "../help/examples.js";
import { amount } from "../model-file.js";
import { printResult } from "../terminal/output.js";

export function modelsCommand(): Command {
  const command = new Command("models")
    .description(
      "List the models that have names, and which of them are on this machine. Opens no connection.",
    )
    .option("--json", "print one JSON document to standard output")
    .action(async (flags: { json?: true }) => {
      const { listModels } = await import("@unsam/sdk");
      const fetched = await listModels();
      printResult(
        flags.json,
        () => ({ builtIn: BUILT_IN_MODELS, fetched }),
        () => describe(fetched),
      );
    });
  return withExamples(command, [
    ["unsam models", "what has a name, and what is here already"],
    ["unsam models --json", "the same for programs"],
  ]);
}

function describe(fetched: readonly ListedModel[]): string {
  const rows = [
    ...BUILT_IN_MODELS.map((name) => [name, "", "Apache-2.0", "in the package", ""]),
    ...fetched.map(({ name, bytes, licence, repo, path }) => [
      name,
      bytes === null ? "" : amount(bytes),
      licence ?? "see its page",
      path === null ? "not here" : "here",
      `https://huggingface.co/${repo}`,
    ]),
  ];
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows
    .map(
      (row) =>
        `${row
          .map((text, i) => text.padEnd(widths[i]))
          .join("  ")
          .trimEnd()}\n`,
    )
    .join("");
}
