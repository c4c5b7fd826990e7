import path from "node:path";
import { pathToFileURL } from "node:url";
import type { ModelFamily } from "@unsam/core/families";
import { lookAtFile } from "@unsam/core/files";
import type { Command } from "commander";
import { repeatable } from "./arguments.js";
import { markRepeatable } from "./defaults/default-flags.js";

/** Model families that users bring: modules that `--family` names. They are asked before the package's. */
export interface FamilyFlags {
  readonly family?: readonly string[];
}

export function withFamilyOption(command: Command): Command {
  command.option(
    "--family <file>",
    "a JavaScript module with a model family of your own, which is run; repeatable",
    repeatable,
  );
  return markRepeatable(command, "--family");
}

/** The addresses of the modules. Throws `E_BAD_OPTION` for what is no file. */
export async function familyModules({ family = [] }: FamilyFlags, signal: AbortSignal): Promise<string[]> {
  const modules: string[] = [];
  for (const file of new Set(family)) {
    // A pipe of that name would be waited for.
    await lookAtFile(file, { what: "The model family", code: "E_BAD_OPTION", signal });
    modules.push(pathToFileURL(path.resolve(file)).href);
  }
  return modules;
}

/** The families themselves. Throws `E_BAD_OPTION` for a module that has none. */
export async function ownFamilies(flags: FamilyFlags, signal: AbortSignal): Promise<ModelFamily[]> {
  return familiesOf(await familyModules(flags, signal));
}

/** The families of modules that were looked at. */
export async function familiesOf(modules: readonly string[]): Promise<ModelFamily[]> {
  if (modules.length === 0) return [];
  const { importModelFamilies } = await import("@unsam/core/families");
  return importModelFamilies(modules);
}
