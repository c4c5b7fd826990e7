import { opendir, readdir } from "node:fs/promises";
import path from "node:path";
import { type ErrorCode, UnSAMError } from "../errors.js";
import { reasonOf, shown } from "./read.js";

/** Endings of the photos that are decoded. */
const TAKEN = /\.(jpe?g|png|webp|avif|tiff?|gif)$/i;
/** Endings of photos in formats that are not decoded, or under names that are not looked for. */
const NOT_TAKEN =
  /\.(heic|heif|jfif|jpe|jp2|j2k|jxl|bmp|dng|cr2|cr3|nef|arw|orf|rw2|raf|psd|tga|exr|hdr|ppm|pgm|pnm|svg|ico|dcm)$/i;

/** What a folder of photos holds. */
export interface PhotoFolder {
  /** Names of the photos, sorted. */
  readonly photos: readonly string[];
  /** Names of files that look like photos, but are not taken, sorted. */
  readonly notTaken: readonly string[];
}

export function isPhotoName(name: string): boolean {
  return TAKEN.test(name) && !isHidden(name);
}

/** macOS keeps a hidden `._NAME` beside each NAME on disks of other systems; it is no photo, whatever its ending. */
export function isHidden(name: string): boolean {
  return name.startsWith(".");
}

/** The photos of a folder by their names; hidden files are passed over, folders are not looked into. Throws `code`. */
export async function photosIn(folder: string, code: ErrorCode = "E_IO"): Promise<PhotoFolder> {
  const names = await readdir(folder).catch((cause) => {
    throw new UnSAMError(code, `The folder ${shown(folder)} cannot be read: ${reasonOf(cause)}.`, { cause });
  });
  const visible = names.filter((name) => !isHidden(name)).sort();
  return {
    photos: visible.filter(isPhotoName),
    notTaken: visible.filter((name) => NOT_TAKEN.test(name)),
  };
}

/**
 * Paths of the photos in a folder and in those below it, as they are found: never all at once, so not sorted. Hidden files and
 * folders are passed over, links to folders are not followed. Throws `E_IO`, or the signal's reason.
 */
export async function* photosBelow(folder: string, signal: AbortSignal): AsyncGenerator<string> {
  const open: string[] = [folder];
  for (let here = open.pop(); here !== undefined; here = open.pop()) {
    try {
      for await (const entry of await opendir(here)) {
        signal.throwIfAborted();
        const file = path.join(here, entry.name);
        if (entry.isDirectory()) {
          if (!isHidden(entry.name)) open.push(file);
        } else if (isPhotoName(entry.name)) yield file;
      }
    } catch (cause) {
      if (signal.aborted || (cause as NodeJS.ErrnoException).syscall === undefined) throw cause;
      throw new UnSAMError("E_IO", `The folder ${shown(here)} cannot be read: ${reasonOf(cause)}.`, {
        cause,
      });
    }
  }
}

/** One sentence about files that look like photos and are not taken; null where there are none. */
export function notTakenSentence({ notTaken }: PhotoFolder): string | null {
  if (notTaken.length === 0) return null;
  const endings = [...new Set(notTaken.map((name) => path.extname(name).toLowerCase()))].sort().join(", ");
  const files = notTaken.length === 1 ? "1 file is" : `${notTaken.length} files are`;
  return `${files} not taken (${endings}; the first is ${shown(notTaken[0])}); convert to JPEG or PNG.`;
}
