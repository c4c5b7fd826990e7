import { UnSAMError } from "@unsam/core/errors";

/** Bytes of the longest line: paths and keys are shorter. */
const LONGEST_LINE = 16_384;

/**
 * The lines of a text that comes in pieces, without empty ones; only as much is read as is taken. Throws `E_BAD_OPTION` for a
 * line longer than any path, and for bytes that are no text.
 */
export async function* readLines(pieces: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<string> {
  let rest = Buffer.alloc(0);
  let number = 0;
  const refuse = (what: string) => {
    throw new UnSAMError("E_BAD_OPTION", `${name}, line ${number + 1}, ${what}; write one path a line.`);
  };
  const textOf = (line: Buffer) => {
    const whole = line.at(-1) === 13 ? line.subarray(0, -1) : line;
    if (whole.length > LONGEST_LINE) refuse(`is longer than ${LONGEST_LINE} bytes`);
    if (whole.includes(0)) refuse("holds a zero byte");
    try {
      return new TextDecoder("utf-8", { fatal: true }).decode(whole);
    } catch {
      return refuse("is not UTF-8");
    }
  };
  for await (const piece of pieces) {
    rest = rest.length === 0 ? Buffer.from(piece) : Buffer.concat([rest, piece]);
    let from = 0;
    for (let end = rest.indexOf(10, from); end >= 0; end = rest.indexOf(10, from)) {
      const line = textOf(rest.subarray(from, end));
      from = end + 1;
      if (line) yield line;
      number++;
    }
    rest = rest.subarray(from);
    if (rest.length > LONGEST_LINE) refuse(`is longer than ${LONGEST_LINE} bytes`);
  }
  const line = textOf(rest);
  if (line) yield line;
}
