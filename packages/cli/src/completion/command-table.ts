import type { Argument, Command, Option } from "commander";
import { suggestionsFor } from "./suggestions.js";

/** A value that is completed: known words, files, or neither. */
export interface ValueRow {
  readonly name: string;
  readonly words: readonly string[];
  readonly takesFiles: boolean;
}

export interface OptionRow {
  /** "-h" and "--help" */
  readonly flags: readonly string[];
  readonly about: string;
  readonly value: ValueRow | null;
}

export interface CommandRow {
  readonly name: string;
  readonly about: string;
  readonly options: readonly OptionRow[];
  /** null: it takes no arguments. */
  readonly argument: ValueRow | null;
}

/** What shells are told, read from the commands themselves: the program first, then each command. */
export function commandTable(program: Command): readonly CommandRow[] {
  const help = program.createHelp();
  const commands = help.visibleCommands(program);
  const names = program.commands.map((command) => command.name());
  return [program, ...commands].map((command) => ({
    name: command.name(),
    about: firstSentence(command.description()),
    options: help.visibleOptions(command).map(optionRow),
    argument:
      command.registeredArguments.length === 0
        ? null
        : argumentRow(
            command.registeredArguments[0],
            // Commander makes the command `help` itself.
            program.commands.includes(command) ? [] : names,
          ),
  }));
}

function optionRow(option: Option): OptionRow {
  const { short, long, required, optional, flags } = option;
  const [, placeholder = ""] = /[<[]([^>\]]*)[>\]]$/.exec(flags) ?? [];
  return {
    flags: [short, long].filter((flag) => flag !== undefined),
    about: firstSentence(option.description),
    value: required || optional ? valueRow(placeholder, suggestionsFor(option)) : null,
  };
}

function argumentRow(argument: Argument, names: readonly string[]): ValueRow {
  const words = names.length > 0 ? names : suggestionsFor(argument);
  // Every argument that is no name is a file or a folder.
  return { name: argument.name(), words, takesFiles: words.length === 0 };
}

function valueRow(name: string, words: readonly string[]): ValueRow {
  return { name, words, takesFiles: /\b(?:file|dir)\b/.test(name) };
}

/** Without line feeds and the full stop. What stands in brackets is kept whole. */
export function firstSentence(text: string): string {
  const [found] = /^(?:\([^)]*\)|(?![.;] )[^\n])*/.exec(text) ?? [""];
  return found.replace(/\.$/, "");
}
