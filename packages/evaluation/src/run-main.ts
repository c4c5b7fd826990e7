import { type ParseArgsConfig, parseArgs } from "node:util";
import { UnSAMError } from "@unsam/core/errors";

type Flags = NonNullable<ParseArgsConfig["options"]>;
/** What a command line says. */
export type Asked<Options extends Flags> = ReturnType<
  typeof parseArgs<{ options: Options & { help: { type: "boolean" } }; allowPositionals: true }>
>;

/**
 * Runs a program of this package with what its command line says; `--help` prints `usage`. A known fault is one sentence and
 * exit code 2, any other its stack and 1.
 */
export function runMain<Options extends Flags>(
  usage: string,
  options: Options,
  main: (asked: Asked<Options>) => Promise<void>,
): void {
  const run = async () => {
    const flags = { ...options, help: { type: "boolean" } } as const;
    const asked = parseArgs({ options: flags, allowPositionals: true });
    if ((asked.values as { help?: boolean }).help) process.stdout.write(usage);
    else await main(asked as Asked<Options>);
  };
  run().catch((error: unknown) => {
    const usage =
      error instanceof TypeError && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS");
    const known = usage || UnSAMError.isInstance(error);
    process.stderr.write(`${known ? (error as Error).message : ((error as Error).stack ?? error)}\n`);
    process.exitCode = known ? 2 : 1;
  });
}

/** Throws `E_BAD_OPTION` for what is no whole number above 0. */
export function wholeNumber(flag: string, text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1) return value;
  throw new UnSAMError("E_BAD_OPTION", `${flag} is ${text}; it must be a whole number above 0.`);
}
