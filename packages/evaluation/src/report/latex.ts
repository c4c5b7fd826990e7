import type { Table } from "./tables.js";

const SIGNS: ReadonlyMap<string, string> = new Map([
  ...[..."&%$#_{}"].map((sign) => [sign, `\\${sign}`] as const),
  ["\\", "\\textbackslash{}"],
  ["~", "\\textasciitilde{}"],
  ["^", "\\textasciicircum{}"],
  ["–", "--"],
  ["−", "$-$"],
  ["≥", "$\\geq$"],
]);

/** Tables as LaTeX that needs no package: to be put into a paper and cut there. */
export function latexTables(tables: readonly Table[]): string {
  return tables.map(latexTable).join("\n");
}

function latexTable({ title, note, columns, rows }: Table): string {
  const row = (cells: readonly string[]) => `    ${cells.map(latexText).join(" & ")} \\\\`;
  return [
    "\\begin{table}",
    "  \\centering",
    `  \\caption{${latexText(title)}. ${latexText(note)}}`,
    `  \\begin{tabular}{ll${"r".repeat(Math.max(0, columns.length - 2))}}`,
    "    \\hline",
    row(columns),
    "    \\hline",
    ...rows.map(row),
    "    \\hline",
    "  \\end{tabular}",
    "\\end{table}",
    "",
  ].join("\n");
}

/** Text with what means something to LaTeX written so that it is shown. */
export function latexText(text: string): string {
  return [...text].map((sign) => SIGNS.get(sign) ?? sign).join("");
}
