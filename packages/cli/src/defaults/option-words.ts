import path from "node:path";
import { UnSAMError } from "@unsam/core/errors";
import { shown } from "@unsam/core/files";
import { BUILT_IN_MODELS, isModelName } from "@unsam/core/names";
import type { Option } from "commander";
import { STANDARD } from "../images/image-source.js";
import { isRepeatable } from "./default-flags.js";
import { keyOf } from "./file-sections.js";

/** An option's value in a file of defaults as words of a command line. Throws `E_BAD_CONFIG`. */
export function wordsFor(option: Option, value: unknown, file: string): string[] {
  const { long } = option;
  if (!(option.required || option.optional)) {
    if (typeof value === "boolean") return value ? [`${long}`] : [];
    throw wrong(option, value, file, "give true or false");
  }
  const values = Array.isArray(value) && isRepeatable(option) ? value : [value];
  return values.map((one) => `${long}=${placed(option, textOf(option, one, file), file)}`);
}

function textOf(option: Option, value: unknown, file: string): string {
  const parts = Array.isArray(value) ? value : [value];
  if (parts.length === 0 || !parts.every((part) => typeof part === "string" || typeof part === "number")) {
    throw wrong(option, value, file, "give a text, a number, or a list of them");
  }
  return parts.join(",");
}

/** Files and folders are named from the folder of the file of defaults. */
function placed(option: Option, text: string, file: string): string {
  const [, placeholder = ""] = /[<[]([^>\]]*)[>\]]$/.exec(option.flags) ?? [];
  if (!/\b(?:file|dir)\b/.test(placeholder) || text === STANDARD) return text;
  if (keyOf(option) === "model" && (BUILT_IN_MODELS.some((name) => name === text) || isModelName(text))) {
    return text;
  }
  // A command that is looked for in PATH.
  if (keyOf(option) === "python" && !/[\\/]/.test(text)) return text;
  return path.resolve(path.dirname(file), text);
}

function wrong(option: Option, value: unknown, file: string, advice: string): UnSAMError {
  const text = JSON.stringify(value)?.slice(0, 100) ?? typeof value;
  return new UnSAMError("E_BAD_CONFIG", `${keyOf(option)} in ${shown(file)} is ${text}; ${advice}.`);
}
