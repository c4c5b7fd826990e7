import type { CommandRow, OptionRow, ValueRow } from "./command-table.js";

export function fishScript([program, ...commands]: readonly CommandRow[]): string {
  const lines = [
    "# Completion of unsam for Fish: unsam completion fish | source",
    ...program.options.map((option) => `complete -c unsam -n __fish_use_subcommand -f${optionEnd(option)}`),
    ...commands.flatMap(({ name, about, options, argument }) => {
      const here = `complete -c unsam -n '__fish_seen_subcommand_from ${name}'`;
      return [
        `complete -c unsam -n __fish_use_subcommand -f -a ${name} -d ${quoted(about)}`,
        ...options.map((option) => `${here}${optionEnd(option)}`),
        ...(argument === null ? [`${here} -f`] : [`${here}${valueEnd(argument, " -F")}`]),
      ];
    }),
  ];
  return `${lines.join("\n")}\n`;
}

function optionEnd({ flags, about, value }: OptionRow): string {
  const names = flags.map((flag) =>
    flag.startsWith("--") ? ` -l ${flag.slice(2)}` : ` -s ${flag.slice(1)}`,
  );
  return `${names.join("")}${value ? ` -r${valueEnd(value, " -F")}` : ""} -d ${quoted(about)}`;
}

function valueEnd({ words, takesFiles }: ValueRow, files: string): string {
  const list = words.length > 0 ? ` -a ${quoted(words.join(" "))}` : "";
  return `${takesFiles ? files : " -f"}${list}`;
}

function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, "\\$&")}'`;
}
