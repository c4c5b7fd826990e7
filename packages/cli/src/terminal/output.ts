// Everything that the command line says goes through here: results to standard output, all else to standard error.

const HIDE_ROW = "\r\x1b[2K";
/** Without automatic wrap a terminal cuts a long line off at its edge, whatever its width: nothing here counts columns. */
const NO_WRAP = ["\x1b[?7l", "\x1b[?7h"];
/** Codes of a write whose reader has gone, on a pipe, a socket, and Windows. */
const NOBODY_READS: ReadonlySet<unknown> = new Set(["EPIPE", "ECONNRESET", "EOF"]);
const LONGEST_ROW = 500;

/** Standard error is a terminal that can rewrite its last row; a log of CI and a dumb terminal cannot. */
export const rewritesRow: boolean =
  process.stderr.isTTY === true && process.env.TERM !== "dumb" && !("CI" in process.env);

let row: string | null = null;
let failure: NodeJS.ErrnoException | null = null;

/**
 * What happens when output cannot be written, for all commands. A reader that has had enough (`unsam … | head -1`) ends
 * nothing: the rest is dropped, and the exit code is that of the work. Any other failure (a full device) is said in one
 * sentence and makes the exit code 1. What standard error does not take is dropped.
 */
export function guardOutput(): void {
  process.stderr.on("error", () => {});
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (failure || NOBODY_READS.has(error.code)) return;
    failure = error;
    tell(`unsam: Standard output could not be written: ${error.message}.`);
  });
  process.on("exit", () => {
    if (failure && !process.exitCode) process.exitCode = 1;
  });
}

/** A result: one JSON document where that was asked for, else words for people. */
export function printResult(json: boolean | undefined, document: () => unknown, words: () => string): void {
  if (json) print(`${JSON.stringify(document(), null, 2)}\n`);
  else printWords(words());
}

/** Words about a result. */
export function printWords(words: string): void {
  print(withoutControls(words));
}

/** Writes to standard output as it is. */
export function print(text: string): void {
  withoutRow(() => process.stdout.write(text));
}

/** A result as the bytes of a file. */
export function printBytes(bytes: Uint8Array): void {
  withoutRow(() => process.stdout.write(bytes));
}

export function isStandardOutputTerminal(): boolean {
  return process.stdout.isTTY === true;
}

/** One or more lines for people on standard error. */
export function tell(text: string): void {
  withoutRow(() => process.stderr.write(`${withoutControls(text)}\n`));
}

/** Draws the last row of the terminal anew, until `hideRow`; other output goes above it. Only where `rewritesRow`. */
export function showRow(text: string): void {
  // Names of files are untrusted: no line feed of theirs makes a second row.
  row = withoutControls(text).replaceAll("\n", "?").slice(0, LONGEST_ROW);
  drawRow();
}

export function hideRow(): void {
  if (row !== null) process.stderr.write(HIDE_ROW);
  row = null;
}

function drawRow(): void {
  if (row !== null) process.stderr.write(`${HIDE_ROW}${NO_WRAP[0]}${row}${NO_WRAP[1]}`);
}

function withoutRow(write: () => void): void {
  if (row !== null) process.stderr.write(HIDE_ROW);
  write();
  drawRow();
}

/** A terminal obeys control characters, also those in a file's name. */
function withoutControls(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]/gu, "?");
}
