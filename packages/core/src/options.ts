import type { z } from "zod";
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
  checkKeys(options, Object.keys(schema.shape), caller);
  const result = schema.safeParse(options);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const problem = issue.code === "unrecognized_keys" ? nothing(issue.keys) : issue.message.replace(/\.$/, "");
  throw bad(caller, `${issue.path.join(".")}: ${problem}`);
}

/** Throws `E_BAD_OPTION` where `options` is no object, or has a key that is not among `known`. */
export function checkKeys(options: unknown, known: readonly string[], caller: string): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw bad(caller, `the options are ${shown(options)}, not an object`);
  }
  const unknown = Object.keys(options).filter((key) => !known.includes(key));
  if (unknown.length === 0) return;
  throw bad(caller, `${nothing(unknown)}; there ${known.length === 1 ? "is" : "are"} ${known.join(", ")}`);
}

/** Options without an undefined value: keys that may be undefined may be missing instead. */
type Said<Options> = {
  [Key in keyof Options as undefined extends Options[Key] ? never : Key]: Options[Key];
} & {
  [Key in keyof Options as undefined extends Options[Key] ? Key : never]?: Exclude<Options[Key], undefined>;
};

/** Only the options that were said: an undefined one leaves the default it is spread over. */
export function withoutUndefined<Options extends object>(options: Options): Said<Options> {
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as Said<Options>;
}

function nothing(keys: readonly string[]): string {
  const named = keys.slice(0, 3).map((key) => JSON.stringify(key.slice(0, 60)));
  return `there is no option ${named.join(", ")}`;
}

function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.slice(0, 60));
  return Array.isArray(value) ? "a list" : String(value).slice(0, 60);
}

function bad(caller: string, problem: string): UnSAMError {
  return new UnSAMError("E_BAD_OPTION", `${caller}: ${problem}.`);
}
