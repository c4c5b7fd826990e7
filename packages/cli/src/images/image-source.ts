import path from "node:path";
import { fileURLToPath } from "node:url";
import { UnSAMError } from "@unsam/core/errors";
import { reasonOf, shown } from "@unsam/core/files";
import type { ImageFlags } from "./image-flags.js";

/** Where a photo comes from. */
export interface ImageSource {
  readonly kind: "file" | "stdin" | "web";
  /** As the user gave it, or as a folder or a pattern led to it. */
  readonly given: string;
  /** Of a file. */
  readonly path: string | null;
  /** A file's name for it, of which names of results are made: "street.jpg". */
  readonly name: string;
}

/** The name that stands for standard input, and for standard output. */
export const STANDARD = "-";

const URL_TEXT = /^(https?|file):\/\//i;

export function isUrl(text: string): boolean {
  return URL_TEXT.test(text);
}

/** What an argument means that is neither a folder nor a pattern. Throws `E_BAD_OPTION`. */
export function sourceOf(given: string, { allowUrl }: ImageFlags): ImageSource {
  if (given === STANDARD) return { kind: "stdin", given, path: null, name: "stdin" };
  if (!isUrl(given)) return fileSource(given, given);
  if (!allowUrl) {
    throw new UnSAMError(
      "E_BAD_OPTION",
      `${shown(given)} is an address; pass --allow-url to have it fetched.`,
    );
  }
  if (/^file:/i.test(given)) return fileSource(given, pathOf(given));
  return { kind: "web", given, path: null, name: nameIn(given) };
}

export function fileSource(given: string, file: string): ImageSource {
  return { kind: "file", given, path: file, name: path.basename(path.resolve(file)) };
}

function pathOf(given: string): string {
  try {
    return fileURLToPath(given);
  } catch (cause) {
    throw new UnSAMError(
      "E_BAD_OPTION",
      `${shown(given)} is not the address of a local file: ${reasonOf(cause)}.`,
      { cause },
    );
  }
}

/** The last part of an address's path, without what some system does not take in the name of a file. */
function nameIn(address: string): string {
  let name = "";
  try {
    name = decodeURIComponent(new URL(address).pathname.split("/").at(-1) ?? "");
  } catch {
    // An address that is none is refused when it is fetched, with its sentence.
  }
  return name.replace(/[\\/:*?"<>|\p{Cc}]/gu, "_").replace(/^\.+/, "") || "image";
}
