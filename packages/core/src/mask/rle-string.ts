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

/**
 * Reads the numbers one after the other, so that a long text takes no memory. Throws `E_BAD_FILE` for characters and
 * numbers the encoder never writes.
 */
export class CountsReader {
  readonly #text: string;
  #at = 0;
  /** How many were read, and the last two of them. */
  #read = 0;
  #last = 0;
  #lastButOne = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** The next number; −1 behind the last. */
  next(): number {
    const text = this.#text;
    if (this.#at === text.length) return -1;
    let value = 0;
    for (let groups = 1; ; groups++) {
      if (this.#at === text.length) throw bad("The RLE string ends inside a number; it is truncated.");
      const at = this.#at++;
      const code = text.charCodeAt(at) - FIRST_CHARACTER;
      if (!(code >= 0 && code < 2 * MORE)) {
        throw bad(`The RLE string has an impossible character at ${at}: ${JSON.stringify(text[at])}.`);
      }
      value += (code & 31) * 32 ** (groups - 1);
      if (code >= MORE) {
        if (groups < MAX_GROUPS) continue;
        throw bad(`The RLE string has a number of more than ${MAX_GROUPS} characters at ${at}.`);
      }
      if ((code & 16) !== 0) value -= 32 ** groups;
      if (this.#read > 2) value += this.#lastButOne;
      if (!(value >= 0 && value <= 0x7fffffff)) {
        throw bad(`The RLE string has the impossible run length ${value} at ${at}.`);
      }
      this.#read++;
      this.#lastButOne = this.#last;
      this.#last = value;
      return value;
    }
  }
}

function bad(message: string): UnSAMError {
  return new UnSAMError("E_BAD_FILE", message);
}
