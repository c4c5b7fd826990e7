import type { Command } from "commander";

/** A command line that works, and what it is for. */
export type Example = readonly [line: string, about: string];

const EXAMPLES = new WeakMap<Command, readonly Example[]>();

/** Shows examples below a command's help. */
export function withExamples(command: Command, examples: readonly Example[]): Command {
  EXAMPLES.set(command, examples);
  const lines = examples.map(([line, about]) => `  # ${about}\n  ${line}`);
  return command.addHelpText("after", `\nExamples:\n${lines.join("\n")}`);
}

export function examplesOf(command: Command): readonly Example[] {
  return EXAMPLES.get(command) ?? [];
}
