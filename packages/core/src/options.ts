import { z } from "zod";
import { UnSAMError } from "./errors.js";

/**
 * Checks the options of a public function against a strict schema and returns them with its defaults. Throws
 * `E_BAD_OPTION`, naming the option at fault; for one that does not exist those that do.
 * @param caller begins the sentence: "UnSAM.load"
 */
export function parseOptions<Schema extends z.ZodObject>(
  schema: Schema,
  options: unknown,
  caller: string,
): z.output<Schema> {
  const result = schema.safeParse(options);
  if (result.success) return result.data;
  throw new UnSAMError("E_BAD_OPTION", `${caller}: ${problemOf(result.error.issues[0]!, schema, options)}.`);
}

/** Throws `E_BAD_OPTION` where `options` is no object, or has a key that is not among `known`. */
export function checkKeys(options: unknown, known: readonly string[], caller: string): void {
  const schema = z.strictObject(Object.fromEntries(known.map((key) => [key, z.unknown().optional()])));
  parseOptions(schema, options, caller);
}

function problemOf(issue: z.core.$ZodIssue, schema: z.ZodObject, options: unknown): string {
  const where = issue.path.length > 0 ? `${issue.path.join(".")}: ` : "";
  if (issue.code === "unrecognized_keys") {
    const unknown = issue.keys.slice(0, 3).map((key) => JSON.stringify(key.slice(0, 60)));
    const known = where === "" ? Object.keys(schema.shape) : [];
    const listed = known.length > 0 ? `; there ${known.length === 1 ? "is" : "are"} ${known.join(", ")}` : "";
    return `${where}there is no option ${unknown.join(", ")}${listed}`;
  }
  if (where === "") return `the options are ${shown(options)}, not an object`;
  return where + issue.message.replace(/\.$/, "");
}

function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.slice(0, 60));
  return Array.isArray(value) ? "a list" : String(value).slice(0, 60);
}
