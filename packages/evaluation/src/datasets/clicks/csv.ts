import { UnSAMError } from "@unsam/core/errors";

/** A table with a heading line. */
export interface Table {
  /** Names of the columns in lower case, without the spaces around them. */
  readonly columns: readonly string[];
  readonly rows: readonly TableRow[];
}

export interface TableRow {
  /** Line of the file, from 1, in which the row begins. */
  readonly line: number;
  /** By column; a row that ends early has no value for the rest. */
  readonly values: Readonly<Record<string, string>>;
}

/** Spreadsheets write what their country separates columns with. */
const SEPARATORS = [",", ";", "\t"] as const;

/**
 * Reads a table of separated values (RFC 4180: quotes, doubled quotes, any line end). The separator is the one of comma,
 * semicolon and tab that the heading has most of; blank lines are passed over. `name` begins the sentence of errors.
 * Throws `E_BAD_FILE` for an open quote, a column named twice, and a row longer than the heading.
 */
export function parseCsv(text: string, name: string): Table {
  const refuse = (why: string) => new UnSAMError("E_BAD_FILE", `${name} ${why}.`);
  const hint = /^sep=(.)\r?\n/.exec(text);
  const body = hint ? text.slice(hint[0].length) : text;
  const separator = hint ? hint[1] : separatorOf(body);
  const [heading, ...records] = splitRows(body, separator, hint ? 2 : 1, refuse);
  if (!heading) return { columns: [], rows: [] };
  const columns = heading.fields.map((field) => field.trim().toLowerCase());
  while (columns.at(-1) === "") columns.pop();
  const twice = columns.find((column, k) => columns.indexOf(column) !== k);
  if (twice !== undefined) throw refuse(`has two columns named “${twice}”; remove one`);
  const rows = records.map(({ line, fields }) => {
    if (fields.slice(columns.length).some((field) => field.trim() !== "")) {
      throw refuse(
        `has ${fields.length} values in line ${line}, but ${columns.length} columns (${columns.join(", ")}); quote values that hold a separator`,
      );
    }
    const pairs = columns.map((column, k) => [column, fields[k] ?? ""] as const);
    return { line, values: Object.fromEntries(pairs.slice(0, fields.length)) };
  });
  return { columns, rows };
}

function separatorOf(text: string): string {
  const heading = /^[\r\n]*([^\r\n]*)/.exec(text)![1];
  const counts = SEPARATORS.map((separator) => heading.split(separator).length);
  return SEPARATORS[counts.indexOf(Math.max(...counts))];
}

/** Rows of fields, without blank ones. */
function splitRows(
  text: string,
  separator: string,
  firstLine: number,
  refuse: (why: string) => UnSAMError,
): { line: number; fields: string[] }[] {
  const rows: { line: number; fields: string[] }[] = [];
  let fields: string[] = [];
  let field = "";
  let quotedSince: number | null = null;
  let line = firstLine;
  let begin = firstLine;
  const endRow = () => {
    fields.push(field);
    if (fields.some((value) => value.trim() !== "")) rows.push({ line: begin, fields });
    fields = [];
    field = "";
  };
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    const lineEnd = c === "\n" || c === "\r";
    if (lineEnd) {
      if (c === "\r" && text[i + 1] === "\n") i++;
      line++;
    }
    if (quotedSince !== null) {
      if (c !== '"') field += lineEnd ? "\n" : c;
      else if (text[i + 1] === '"') field += text[i++];
      else quotedSince = null;
    } else if (c === '"' && field.trim() === "") {
      // Inside a value a quote is a quote.
      quotedSince = line;
      field = "";
    } else if (c === separator) {
      fields.push(field);
      field = "";
    } else if (lineEnd) {
      endRow();
      begin = line;
    } else field += c;
  }
  if (quotedSince !== null) throw refuse(`has a quote in line ${quotedSince} that is never closed`);
  endRow();
  return rows;
}
