/** What the header of a `.npy` file says: a Python dictionary of exactly these three entries. */
export interface NpyHeader {
  /** Type of the elements, such as `<f4`. */
  readonly descr: string;
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
}

/** NumPy arrays have at most so many dimensions. */
const MOST_DIMENSIONS = 64;

/**
 * Reads the text of a header as NumPy writes it (NEP 1): one dictionary literal, then white space. It is read once
 * from left to right, so that its time grows with its length alone. Null: it is malformed.
 */
export function parseNpyHeader(text: string): NpyHeader | null {
  const scanner = new LiteralScanner(text);
  try {
    return scanner.header();
  } catch (cause) {
    if (cause === MALFORMED) return null;
    throw cause;
  }
}

const MALFORMED = Symbol("malformed");

class LiteralScanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  header(): NpyHeader {
    let descr: string | undefined;
    let fortranOrder: boolean | undefined;
    let shape: number[] | undefined;
    this.#list("{", "}", () => {
      const key = this.#string();
      this.#expect(":");
      if (key === "descr" && descr === undefined) descr = this.#string();
      else if (key === "fortran_order" && fortranOrder === undefined) fortranOrder = this.#boolean();
      else if (key === "shape" && shape === undefined) shape = this.#tuple();
      else throw MALFORMED;
    });
    this.#skipSpace();
    if (this.#at < this.#text.length || descr === undefined || fortranOrder === undefined || !shape) {
      throw MALFORMED;
    }
    return { descr, fortranOrder, shape };
  }

  /** `()`, `(1,)`, `(1, 2)`; in Python `(1)` is no tuple. */
  #tuple(): number[] {
    const sides: number[] = [];
    const commas = this.#list("(", ")", () => {
      if (sides.length === MOST_DIMENSIONS) throw MALFORMED;
      sides.push(this.#integer());
    });
    if (sides.length === 1 && commas === 0) throw MALFORMED;
    return sides;
  }

  /** Items with commas between them and perhaps one behind the last; returns how many commas there were. */
  #list(open: string, close: string, item: () => void): number {
    this.#expect(open);
    let commas = 0;
    while (!this.#skip(close)) {
      item();
      if (this.#skip(",")) commas++;
      else {
        this.#expect(close);
        break;
      }
    }
    return commas;
  }

  /** In quotes of either kind, without escapes: NumPy needs none here. */
  #string(): string {
    this.#skipSpace();
    const quote = this.#text[this.#at];
    if (quote !== "'" && quote !== '"') throw MALFORMED;
    const end = this.#text.indexOf(quote, this.#at + 1);
    if (end < 0) throw MALFORMED;
    const value = this.#text.slice(this.#at + 1, end);
    if (/[\\\n]/.test(value)) throw MALFORMED;
    this.#at = end + 1;
    return value;
  }

  #boolean(): boolean {
    this.#skipSpace();
    for (const value of [true, false]) {
      const word = value ? "True" : "False";
      if (!this.#text.startsWith(word, this.#at)) continue;
      this.#at += word.length;
      return value;
    }
    throw MALFORMED;
  }

  #integer(): number {
    this.#skipSpace();
    // Sixteen digits hold every safe integer; a longer run of digits then fails at what follows.
    const digits = /(?:0|[1-9][0-9]{0,15})(?![0-9])/y;
    digits.lastIndex = this.#at;
    const found = digits.exec(this.#text)?.[0];
    if (found === undefined || !Number.isSafeInteger(Number(found))) throw MALFORMED;
    this.#at += found.length;
    return Number(found);
  }

  #expect(character: string): void {
    if (!this.#skip(character)) throw MALFORMED;
  }

  #skip(character: string): boolean {
    this.#skipSpace();
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #skipSpace(): void {
    while (" \t\n\r".includes(this.#text[this.#at] ?? "x")) this.#at++;
  }
}
