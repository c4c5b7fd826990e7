import { stat } from "node:fs/promises";
import path from "node:path";
import { UnSAMError } from "@unsam/core/errors";
import { notTakenSentence, photosIn, shown } from "@unsam/core/files";
import { tell } from "../terminal/output.js";
import type { ImageFlags } from "./image-flags.js";
import { fileSource, type ImageSource, isUrl, STANDARD, sourceOf } from "./image-source.js";
import { filesOfPattern, looksLikePattern } from "./patterns.js";

/** The photos that a command line names. */
export interface NamedImages {
  readonly sources: readonly ImageSource[];
  /** More than one was named, or a folder or a pattern, however many it holds: what is printed and written depends on it. */
  readonly areSeveral: boolean;
}

/**
 * Files, folders (their photos, as in `unsam everything DIR`), patterns that the shell has not expanded, `-`, and with
 * `--allow-url` addresses. A photo that is named twice counts once. Throws `E_BAD_OPTION`, `E_BAD_IMAGE`.
 */
export async function nameImages(
  given: readonly string[],
  flags: ImageFlags,
  signal: AbortSignal,
): Promise<NamedImages> {
  const named: ImageSource[] = [];
  let areSeveral = given.length > 1;
  for (const text of given) {
    signal.throwIfAborted();
    const many = await expand(text, signal);
    if (many) areSeveral = true;
    named.push(...(many ?? [sourceOf(text, flags)]));
  }
  if (named.filter(({ kind }) => kind === "stdin").length > 1) {
    throw new UnSAMError("E_BAD_OPTION", "Standard input (-) holds one photo; name it once.");
  }
  const sources = [...new Map(named.map((source) => [keyOf(source), source])).values()];
  if (sources.length < named.length)
    tell(`unsam: ${named.length - sources.length} photos are named twice and done once`);
  return { sources, areSeveral };
}

function keyOf({ path: file, given }: ImageSource): string {
  return file === null ? `\0${given}` : path.resolve(file);
}

/** The photos of a folder or a pattern; null: the text is one photo's name. */
async function expand(text: string, signal: AbortSignal): Promise<ImageSource[] | null> {
  if (text === STANDARD || isUrl(text)) return null;
  const found = await stat(text).catch(() => null);
  if (found?.isDirectory()) return photosOfFolder(text);
  // A file may have brackets in its name.
  if (found || !looksLikePattern(text)) return null;
  const files = await filesOfPattern(text, signal);
  if (files.length > 0) return files.map((file) => fileSource(file, file));
  throw new UnSAMError("E_BAD_IMAGE", `No file matches ${shown(text)}.`);
}

async function photosOfFolder(folder: string): Promise<ImageSource[]> {
  const found = await photosIn(folder, "E_BAD_IMAGE");
  const notTaken = notTakenSentence(found);
  if (found.photos.length === 0) {
    const why = notTaken === null ? "" : ` ${notTaken}`;
    throw new UnSAMError(
      "E_BAD_IMAGE",
      `${shown(folder)} is a folder without any photo (JPEG, PNG, WebP, AVIF, TIFF, GIF).${why}`,
    );
  }
  if (notTaken !== null) tell(`unsam: ${notTaken}`);
  return found.photos.map((name) => path.join(folder, name)).map((file) => fileSource(file, file));
}
