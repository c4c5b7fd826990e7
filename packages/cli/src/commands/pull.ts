import { MODEL_NAMES } from "@unsam/core/names";
import type { PulledModel } from "@unsam/sdk";
import { Command } from "commander";
import { suggest } from "../completion/suggestions.js";
import { withExamples } from "../help/examples.js";
import { amount, withPullProgress } from "../model-file.js";
import type { Interrupt } from "../terminal/interrupt.js";
import { printResult, tell } from "../terminal/output.js";

interface PullFlags {
  readonly update?: true;
  readonly offline?: true;
  readonly json?: true;
}

const NAMES_AND_VARIABLES = `
Names: ${MODEL_NAMES.join(", ")}.
Variables: HF_HUB_CACHE, HF_HOME, HF_TOKEN, HF_ENDPOINT, HF_HUB_OFFLINE or UNSAM_OFFLINE, HTTPS_PROXY, NO_PROXY.
`;

export function pullCommand({ signal }: Interrupt): Command {
  const command = new Command("pull")
    .description(
      "Download models by name, or compare those that are here with their SHA-256; print where they are.",
    )
    .argument(
      "<names...>",
      "a name (see unsam models), hf:owner/repository/file#revision, or an https:// URL",
    )
    .option("--update", "ask whether there is a newer file, though there is one already")
    .option("--offline", "open no connection: only tell what is here")
    .option("--json", "print one JSON document to standard output")
    .addHelpText("after", NAMES_AND_VARIABLES)
    .action(async (names: string[], flags: PullFlags) => {
      const { pullModel } = await import("@unsam/sdk");
      const pulled: PulledModel[] = [];
      for (const name of names) {
        const options = { update: flags.update ?? false, offline: flags.offline, signal };
        pulled.push(
          await withPullProgress(name, (onProgress) => pullModel(name, { ...options, onProgress })),
        );
      }
      printResult(
        flags.json,
        () => pulled,
        // Paths alone, for scripts; what was done is told beside them.
        () => pulled.map(({ path }) => `${path}\n`).join(""),
      );
      for (const model of pulled) tellOutcome(model);
    });
  suggest(command, "names", MODEL_NAMES);
  return withExamples(command, [
    ["unsam pull sam2.1-small", "official weights, into the Hugging Face cache"],
    ["unsam pull unsamv2 --update", "ask whether there are newer ones"],
    ["unsam pull hf:owner/repository/model.pt#v1.0", "a file of a repository, at a branch, tag or commit"],
  ]);
}

function tellOutcome({ name, bytes, sha256, downloaded }: PulledModel): void {
  const sum = sha256 === null ? "no SHA-256 is known for it" : `SHA-256 ${sha256}`;
  tell(`unsam: ${name} is ${downloaded ? "downloaded" : "here already"}: ${amount(bytes)}, ${sum}.`);
}
