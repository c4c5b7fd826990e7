import { UnSAMError } from "@unsam/core/errors";
import type { Command } from "commander";
import { count, positive } from "../arguments.js";

/** What the commands that take a photo say about where it may come from. */
export interface ImageFlags {
  readonly allowUrl?: true;
  readonly maxDownload?: number;
  readonly downloadTimeout?: number;
  readonly maxPixels?: number;
}

/** Larger than any photo that people put on the web; what is fetched is held in memory. */
export const DEFAULT_MAX_DOWNLOAD: number = 256 * 2 ** 20;
export const DEFAULT_DOWNLOAD_SECONDS = 60;

export function withImageOptions(command: Command): Command {
  return command
    .option("--allow-url", "take http(s): and file: addresses as photos, too, and fetch them")
    .option(
      "--max-download <bytes>",
      `with --allow-url: refuse larger photos (default: ${DEFAULT_MAX_DOWNLOAD})`,
      count,
    )
    .option(
      "--download-timeout <seconds>",
      `with --allow-url: time for one photo (default: ${DEFAULT_DOWNLOAD_SECONDS})`,
      positive,
    );
}

/** Throws `E_BAD_OPTION` for limits of downloads where there are none. */
export function checkImageFlags({ allowUrl, maxDownload, downloadTimeout }: ImageFlags): void {
  for (const [name, value] of [
    ["--max-download", maxDownload],
    ["--download-timeout", downloadTimeout],
  ] as const) {
    if (value === undefined || allowUrl) continue;
    throw new UnSAMError(
      "E_BAD_OPTION",
      `${name} is about photos that are fetched; give --allow-url with it.`,
    );
  }
  // Timers hold 31 bits of milliseconds.
  if (downloadTimeout !== undefined && downloadTimeout > 86_400) {
    throw new UnSAMError(
      "E_BAD_OPTION",
      `--download-timeout is ${downloadTimeout}; give at most 86400 seconds.`,
    );
  }
}
