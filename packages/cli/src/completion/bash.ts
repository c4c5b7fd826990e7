import type { CommandRow } from "./command-table.js";

/** Works in Bash 3.2, too, which macOS has. Where nothing is offered, Bash completes names of files. */
export function bashScript([program, ...commands]: readonly CommandRow[]): string {
  const names = commands.map(({ name }) => name);
  const own = program.options.flatMap(({ flags }) => flags);
  return `# Completion of unsam for Bash: eval "$(unsam completion bash)"
_unsam() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}" command="" words="" i
  # Bash cuts words at "=".
  if [[ "$cur" == "=" ]]; then cur=""
  elif [[ "$prev" == "=" ]]; then prev="\${COMP_WORDS[COMP_CWORD-2]}"; fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    if [[ "\${COMP_WORDS[i]}" != -* ]]; then command="\${COMP_WORDS[i]}"; break; fi
  done
  case "$command" in
    "") words="${[...names, ...own].join(" ")}" ;;
${commands.map(commandCase).join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _unsam unsam
`;
}

function commandCase({ name, options, argument }: CommandRow): string {
  const known = options.filter(({ value }) => value !== null && value.words.length > 0);
  const unknown = options.filter(({ value }) => value?.words.length === 0).flatMap(({ flags }) => flags);
  const cases = [
    ...known.map(({ flags, value }) => `        ${flags.join("|")}) words="${value?.words.join(" ")}" ;;`),
    ...(unknown.length > 0 ? [`        ${unknown.join("|")}) ;;`] : []),
  ];
  const flags = options.flatMap((option) => option.flags).join(" ");
  return `    ${name})
      case "$prev" in
${cases.map((line) => `${line}\n`).join("")}\
        *) if [[ "$cur" == -* ]]; then words="${flags}"; else words="${argument?.words.join(" ") ?? ""}"; fi ;;
      esac ;;`;
}
