import type { Argument, Command, Option } from "commander";

const SUGGESTIONS = new WeakMap<Option | Argument, readonly string[]>();

/** Words that shells offer for an option's value (`--model`) or for the arguments, where others are allowed, too. */
export function suggest(command: Command, name: string, words: readonly string[]): Command {
  const found =
    command.options.find(({ long }) => long === name) ??
    command.registeredArguments.find((argument) => argument.name() === name);
  if (!found) throw new Error(`${command.name()} has no ${name}.`);
  SUGGESTIONS.set(found, words);
  return command;
}

/** What is offered for a value: what it must be one of, or what was suggested. */
export function suggestionsFor(value: Option | Argument): readonly string[] {
  return value.argChoices ?? SUGGESTIONS.get(value) ?? [];
}
