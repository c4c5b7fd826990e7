import type { MethodInfo } from "../methods/method.js";
import { type CodeCommit, commitText } from "./code-commit.js";
import type { Machine } from "./machine.js";
import type { Table } from "./tables.js";

/** A table of Markdown, line by line. */
export function tableLines(columns: readonly string[], rows: readonly (readonly string[])[]): string[] {
  return [columns, columns.map(() => "---"), ...rows].map(
    (cells) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`,
  );
}

/** A part for each table, its note below it. */
export function tableParts(tables: readonly Table[]): string[] {
  return tables.flatMap(({ title, note, columns, rows }) => [
    `## ${title}`,
    "",
    ...tableLines(columns, rows),
    "",
    note,
    "",
  ]);
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

/** The part of a report on its methods, and the weights they had. */
export function methodLines(methods: readonly MethodInfo[]): string[] {
  const lines = methods.map(
    ({ name, description, fingerprint }) =>
      `- **${name}**: ${description}${fingerprint ? ` Fingerprint ${fingerprint}.` : ""}`,
  );
  return ["## Methods", "", ...lines, ""];
}

/** Which program ran where, and when: "unsam 1.0.0, Node v20, …". */
export function ranText(run: {
  readonly versions: { readonly unsam: string; readonly node: string; readonly code?: CodeCommit | null };
  readonly machine: Machine;
  readonly date: string;
}): string {
  const { versions, machine, date } = run;
  const { platform, processor, cores } = machine;
  return `unsam ${versions.unsam}${commitText(versions.code ?? null)}, Node ${versions.node}, ${platform}, ${processor} (${cores} cores); ${date}`;
}
