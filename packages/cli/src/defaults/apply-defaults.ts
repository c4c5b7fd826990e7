import { UnSAMError } from "@unsam/core/errors";
import { shown } from "@unsam/core/files";
import { type Command, CommanderError } from "commander";
import { tell } from "../terminal/output.js";
import type { DefaultsFlags } from "./default-flags.js";
import { findDefaults, readDefaults } from "./defaults-file.js";
import { keyOf, type Sections, sectionsFor } from "./file-sections.js";
import { wordsFor } from "./option-words.js";

/** Options that mean something together: whoever sets the first of them for himself takes none of the others from elsewhere. */
const TOGETHER: readonly (readonly [heads: readonly string[], others: readonly string[]])[] = [
  [["model"], ["config", "weights"]],
  [["checkpoint"], ["config", "weights"]],
  [["protocol"], ["split", "baseline", "levels", "metrics", "seed", "half"]],
  [["targets", "median-area", "regions"], ["granularity"]],
];
/** Options that are refused without another. */
const NEEDS: Readonly<Record<string, string>> = {
  "max-download": "allow-url",
  "download-timeout": "allow-url",
  "label-studio-key-file": "label-studio",
};

/**
 * A command line with what the file of defaults adds to it: what the line itself sets counts first, then the command's section,
 * then what the file says for all commands. `create` makes programs to try lines on. Throws `E_BAD_CONFIG`.
 */
export async function applyDefaults(
  args: readonly string[],
  create: () => Command,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const [name, ...rest] = args;
  const program = create();
  const command = program.commands.find((one) => one.name() === name);
  if (!command?.options.some(({ long }) => long === "--defaults")) return args;
  if (rest.includes("--help") || rest.includes("-h")) return args;
  if (tryOptions(command, rest) !== null) return args; // whoever parses it next says what is wrong
  // It tells of the file itself, also of one that cannot be used.
  if (name === "doctor") return args;
  const found = await findDefaults(command.opts<DefaultsFlags>().defaults);
  if (found === null) return args;
  const { file, problem } = found;
  if (problem !== null) {
    tell(
      `unsam: ${shown(file)} is not used, for it ${problem}; pass --defaults FILE to use it, or --no-defaults.`,
    );
    return args;
  }
  const given = new Set(
    command.options
      .filter((option) => command.getOptionValueSource(option.attributeName()) === "cli")
      .map(keyOf),
  );
  const content = await readDefaults(file, signal);
  const untouched = create();
  const fresh = untouched.commands.find((one) => one.name() === name) as Command;
  return [name, ...wordsToAdd(fresh, untouched, content, file, given), ...rest];
}

/**
 * What a file adds to a line of a command that sets the options `given`. The values are tried on `command`, which is not to be
 * used any more. Throws `E_BAD_CONFIG`.
 */
export function wordsToAdd(
  command: Command,
  program: Command,
  content: Readonly<Record<string, unknown>>,
  file: string,
  given: ReadonlySet<string> = new Set(),
): readonly string[] {
  const sections = sectionsFor(command, program, content, file);
  const words = [...valuesToAdd(given, sections)].flatMap(([key, value]) => {
    const option = command.options.find((one) => keyOf(one) === key);
    return option ? wordsFor(option, value, file) : [];
  });
  const wrong = tryOptions(command, words);
  if (wrong !== null) throw new UnSAMError("E_BAD_CONFIG", `In ${shown(file)}: ${wrong}`);
  return words;
}

/** What is to be added to a line that sets the options `given`. */
function valuesToAdd(given: ReadonlySet<string>, { own, common }: Sections): Map<string, unknown> {
  const values = new Map<string, unknown>();
  const closed = new Set(given);
  close(given, closed);
  for (const layer of [own, common]) {
    for (const [key, value] of layer) if (!closed.has(key)) values.set(key, value);
    for (const key of layer.keys()) closed.add(key);
    close(new Set(layer.keys()), closed);
  }
  for (const [key, needed] of Object.entries(NEEDS)) {
    if (!given.has(needed) && values.get(needed) !== true) values.delete(key);
  }
  return values;
}

function close(set: ReadonlySet<string>, closed: Set<string>): void {
  for (const [heads, others] of TOGETHER) {
    if (heads.some((head) => set.has(head))) for (const key of [...heads, ...others]) closed.add(key);
  }
}

/** Parses options alone, in silence. Returns the sentence about what is wrong, or null. */
function tryOptions(command: Command, words: readonly string[]): string | null {
  command.configureOutput({ writeOut: () => {}, writeErr: () => {}, outputError: () => {} });
  try {
    command.parseOptions([...words]);
    return null;
  } catch (error) {
    if (error instanceof CommanderError) return error.message.replace(/^error: /, "");
    throw error;
  }
}
