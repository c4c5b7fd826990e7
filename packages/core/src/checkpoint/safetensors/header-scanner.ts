import { FormatError, quoted } from "../format-error.js";

/**
 * Reads the JSON of a safetensors header value by value. `JSON.parse` would build whatever an untrusted header asks
 * for (millions of nested arrays) and silently drop the first of two equal names; the caller of this scanner asks for
 * exactly what the format allows and refuses everything else.
 */
export class HeaderScanner {
  private at = 0;

  constructor(private readonly text: string) {}

  /** Reads `{ "name": value, … }`; `readMember` must consume the value. Throws on a name that occurs twice. */
  object(what: string, readMember: (name: string) => void): void {
    const names = new Set<string>();
    this.list("{", "}", what, () => {
      const name = this.string(`a name in ${what}`);
      if (names.has(name)) throw new FormatError(`${what} names ${quoted(name)} twice.`);
      names.add(name);
      this.expect(":", what);
      readMember(name);
    });
  }

  /** Reads `[0, 1, …]` of non-negative safe integers, at most `limit` of them. */
  integers(what: string, limit: number): number[] {
    const values: number[] = [];
    this.list("[", "]", what, () => {
      if (values.length === limit) throw new FormatError(`${what} has more than ${limit} numbers.`);
      values.push(this.integer(what));
    });
    return values;
  }

  string(what: string): string {
    this.skipSpace();
    const start = this.at;
    if (this.text[start] !== '"') throw this.unexpected(what, "a string");
    for (this.at++; this.at < this.text.length; this.at++) {
      const character = this.text[this.at];
      if (character === "\\") this.at++;
      else if (character === '"') {
        this.at++;
        return decodeString(this.text.slice(start, this.at), what);
      }
    }
    throw new FormatError(`the header ends within ${what}.`);
  }

  /** Throws unless only white space is left. */
  end(): void {
    this.skipSpace();
    if (this.at < this.text.length) throw this.unexpected("the header", "its end");
  }

  private integer(what: string): number {
    this.skipSpace();
    const digits = /(?:0|[1-9][0-9]*)(?![0-9.eE])/y;
    digits.lastIndex = this.at;
    const found = digits.exec(this.text)?.[0];
    if (found === undefined) throw this.unexpected(what, "a non-negative whole number");
    const value = Number(found);
    if (!Number.isSafeInteger(value)) {
      throw new FormatError(`${what} holds ${quoted(found)}, which is too large.`);
    }
    this.at += found.length;
    return value;
  }

  private list(open: string, close: string, what: string, readItem: () => void): void {
    this.expect(open, what);
    if (this.skip(close)) return;
    do readItem();
    while (this.skip(","));
    this.expect(close, what);
  }

  private expect(character: string, what: string): void {
    if (!this.skip(character)) throw this.unexpected(what, `"${character}"`);
  }

  private skip(character: string): boolean {
    this.skipSpace();
    if (this.text[this.at] !== character) return false;
    this.at++;
    return true;
  }

  private skipSpace(): void {
    while (this.at < this.text.length && " \t\n\r".includes(this.text[this.at]!)) this.at++;
  }

  private unexpected(what: string, expected: string): FormatError {
    const found =
      this.at < this.text.length ? quoted(this.text.slice(this.at, this.at + 20)) : "the header's end";
    return new FormatError(`its header is malformed: expected ${expected} in ${what}, found ${found}.`);
  }
}

function decodeString(literal: string, what: string): string {
  try {
    return JSON.parse(literal) as string;
  } catch {
    throw new FormatError(`its header is malformed: ${what} is the bad string ${quoted(literal)}.`);
  }
}
