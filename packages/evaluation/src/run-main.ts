import { UnSAMError } from "@unsam/core/errors";

/** Runs a program of this package. A known fault is one sentence and exit code 2, any other its stack and 1. */
export function runMain(main: () => Promise<void>): void {
  main().catch((error: unknown) => {
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
