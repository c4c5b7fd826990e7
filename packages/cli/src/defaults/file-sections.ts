import { UnSAMError } from "@unsam/core/errors";
import { shown } from "@unsam/core/files";
import type { Command, Option } from "commander";
import { NOT_IN_FILES } from "./default-flags.js";
import { isPlainObject } from "./defaults-file.js";
import { nearestKey } from "./nearest-key.js";

/** An option's name without its dashes, as it stands in a file of defaults. */
export function keyOf({ long }: Option): string {
  return (long ?? "").replace(/^--/, "");
}

/** Keys that a section for a command may have. */
export function keysOf(command: Command): readonly string[] {
  return command.options.map(keyOf).filter((key) => key !== "" && !NOT_IN_FILES.has(key));
}

/** What a file says for one command. */
export interface Sections {
  /** Of the command alone. */
  readonly own: ReadonlyMap<string, unknown>;
  /** Of every command that has the option. */
  readonly common: ReadonlyMap<string, unknown>;
}

/** Checks every key of a file, and takes what concerns a command. Throws `E_BAD_CONFIG`. */
export function sectionsFor(
  command: Command,
  program: Command,
  content: Readonly<Record<string, unknown>>,
  file: string,
): Sections {
  const commands = new Map(program.commands.map((one) => [one.name(), one]));
  const everywhere = [...new Set(program.commands.flatMap(keysOf))];
  const common = new Map<string, unknown>();
  let own = new Map<string, unknown>();
  for (const [key, value] of Object.entries(content)) {
    const section = commands.get(key);
    if (section) {
      if (!isPlainObject(value)) {
        throw new UnSAMError(
          "E_BAD_CONFIG",
          `${key} in ${shown(file)} is no object; give options of unsam ${key}.`,
        );
      }
      const entries = Object.entries(value);
      for (const [name] of entries)
        checkKey(name, keysOf(section), file, `unsam ${key} has no option for it`);
      if (section.name() === command.name()) own = new Map(entries);
    } else {
      checkKey(key, [...everywhere, ...commands.keys()], file, "it is neither an option nor a command");
      if (keysOf(command).includes(key)) common.set(key, value);
    }
  }
  return { own, common };
}

function checkKey(key: string, known: readonly string[], file: string, why: string): void {
  if (known.includes(key)) return;
  const nearest = nearestKey(key, known);
  const advice = nearest === null ? "leave it out" : `did you mean "${nearest}"?`;
  throw new UnSAMError(
    "E_BAD_CONFIG",
    `The key ${shown(key)} in ${shown(file)} is not known: ${why}; ${advice}`,
  );
}
