import { Argument, Command } from "commander";
import { bashScript } from "../completion/bash.js";
import { type CommandRow, commandTable } from "../completion/command-table.js";
import { fishScript } from "../completion/fish.js";
import { zshScript } from "../completion/zsh.js";
import { withExamples } from "../help/examples.js";
import { print } from "../terminal/output.js";

const SCRIPTS: Readonly<Record<string, (table: readonly CommandRow[]) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

export function completionCommand(program: Command): Command {
  const command = new Command("completion")
    .description("Print a script that completes commands, options and their values in a shell.")
    .addArgument(new Argument("<shell>", "the shell it is for").choices(Object.keys(SCRIPTS)))
    .action((shell: string) => print(SCRIPTS[shell](commandTable(program))));
  return withExamples(command, [
    ['eval "$(unsam completion bash)"', "in ~/.bashrc"],
    ["source <(unsam completion zsh)", "in ~/.zshrc, after compinit"],
    ["unsam completion fish | source", "in ~/.config/fish/config.fish"],
  ]);
}
