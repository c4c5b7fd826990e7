import type { CommandRow, OptionRow, ValueRow } from "./command-table.js";

export function zshScript([program, ...commands]: readonly CommandRow[]): string {
  return `#compdef unsam
# Completion of unsam for Zsh: unsam completion zsh > a file named _unsam in a folder of $fpath, or
# source <(unsam completion zsh) after compinit
_unsam() {
  local line state
  _arguments -C ${program.options.map(optionSpec).join(" ")} '1: :->command' '*:: :->arguments'
  case $state in
    command)
      local -a commands=(
${commands.map(({ name, about }) => `        ${quoted(`${name}:${about}`)}`).join("\n")}
      )
      _describe command commands ;;
    arguments)
      case $line[1] in
${commands.map(commandCase).join("\n")}
      esac ;;
  esac
}
compdef _unsam unsam
`;
}

function commandCase({ name, options, argument }: CommandRow): string {
  const specs = [...options.map(optionSpec), ...(argument ? [quoted(`*${valueSpec(argument)}`)] : [])];
  return `        ${name}) _arguments ${specs.join(" ")} ;;`;
}

/** Each may be repeated: Zsh need not know which. */
function optionSpec({ flags, about, value }: OptionRow): string {
  const end = `[${about.replace(/[[\]\\:]/g, "\\$&")}]${value ? valueSpec(value) : ""}`;
  return flags.map((flag) => quoted(`*${flag}${end}`)).join(" ");
}

function valueSpec({ name, words, takesFiles }: ValueRow): string {
  const message = name.replace(/[\\:]/g, "\\$&") || " ";
  if (words.length === 0) return `:${message}:${takesFiles ? "_files" : ""}`;
  const list = words.map((word) => word.replace(/[\\: ()]/g, "\\$&")).join(" ");
  return takesFiles ? `:${message}:{ compadd -- ${words.join(" ")}; _files }` : `:${message}:(${list})`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
