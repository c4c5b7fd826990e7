import type { Command, Option } from "commander";

/** What a command line says about the file of defaults: its name, or that there is none. */
export interface DefaultsFlags {
  readonly defaults?: string | false;
}

export function withDefaultsOptions(command: Command): Command {
  return command
    .option("--defaults <file>", "defaults of options (else unsam.config.json or .mjs, here or above)")
    .option("--no-defaults", "look for no such file");
}

/** Options that no file of defaults sets. */
export const NOT_IN_FILES: ReadonlySet<string> = new Set(["defaults", "no-defaults", "help"]);

const REPEATABLE = new WeakSet<Option>();

/** Says of options that each may be given several times: a list in a file of defaults then gives each of its values. */
export function markRepeatable(command: Command, ...names: readonly string[]): Command {
  for (const option of command.options) if (names.includes(option.long ?? "")) REPEATABLE.add(option);
  return command;
}

export function isRepeatable(option: Option): boolean {
  return REPEATABLE.has(option);
}
