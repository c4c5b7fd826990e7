import { UnSAMError } from "../errors.js";

/**
 * The text form of COCO run lengths. Each number, from the fourth on its difference to the one two places before
 * (runs of one kind resemble each other), is written in groups of 5 bits, lowest first, two's complement: a
 * character is 48 plus the group, plus 32 if more follow.
 */
const FIRST_CHARACTER = 48;
const MORE = 32;
/** 2³⁵ is more than any run length or difference of two. */
const MAX_GROUPS = 7;

export function encodeCounts(counts: readonly number[]): string {
  const characters: string[] = [];
  for (let i = 0; i < counts.length; i++) {
    let value = i > 2 ? counts[i] - counts[i - 2] : counts[i];
    for (;;) {
      const group = value & 31;
      value >>= 5;
      // The last group's highest bit is the sign of the whole.
      const done = value === ((group & 16) !== 0 ? -1 : 0);
      characters.push(String.fromCharCode(FIRST_CHARACTER + group + (done ? 0 : MORE)));
      if (done) break;
    }
  }
  return characters.join("");
}

/** Throws `E_BAD_FILE` for characters and numbers the encoder never writes. */
export function decodeCounts(text: string): number[] {
  const counts: number[] = [];
  let value = 0;
  let groups = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i) - FIRST_CHARACTER;
    if (!(code >= 0 && code < 2 * MORE)) {
      throw new UnSAMError(
        "E_BAD_FILE",
        `The RLE string has an impossible character at ${i}: ${JSON.stringify(text[i])}.`,
      );
    }
    value += (code & 31) * 32 ** groups++;
    if (code >= MORE) {
      if (groups < MAX_GROUPS) continue;
      throw new UnSAMError(
        "E_BAD_FILE",
        `The RLE string has a number of more than ${MAX_GROUPS} characters at ${i}.`,
      );
    }
    if ((code & 16) !== 0) value -= 32 ** groups;
    if (counts.length > 2) value += counts[counts.length - 2];
    if (!(value >= 0 && value <= 0x7fffffff)) {
      throw new UnSAMError("E_BAD_FILE", `The RLE string has the impossible run length ${value} at ${i}.`);
    }
    counts.push(value);
    value = 0;
    groups = 0;
  }
  if (groups > 0) throw new UnSAMError("E_BAD_FILE", "The RLE string ends inside a number; it is truncated.");
  return counts;
}
