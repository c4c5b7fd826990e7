/** A cell of a table; null is left empty. */
export type Cell = string | number | null;

/** Comma-separated values (RFC 4180), a line for each row, the names of the columns first. Numbers in full. */
export function csvText(columns: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const line = (cells: readonly Cell[]) => `${cells.map(csvCell).join(",")}\n`;
  return [columns, ...rows].map(line).join("");
}

function csvCell(cell: Cell): string {
  const text = cell === null ? "" : String(cell);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
