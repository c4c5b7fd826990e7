/** A table of Markdown, line by line. */
export function tableLines(columns: readonly string[], rows: readonly (readonly string[])[]): string[] {
  return [columns, columns.map(() => "---"), ...rows].map(
    (cells) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`,
  );
}

/** The part of a report on images that failed; nothing where none did. */
export function failureLines(
  results: readonly {
    readonly dataset: string;
    readonly method: string;
    readonly failures: readonly { readonly image: string; readonly error: string }[];
  }[],
): string[] {
  const lines = results.flatMap(({ dataset, method, failures }) =>
    failures.map(({ image, error }) => `- ${dataset}, ${method}, ${image}: ${error}`),
  );
  return lines.length > 0 ? ["## Images that failed", "", ...lines, ""] : [];
}
