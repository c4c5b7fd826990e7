import { UnSAMError } from "@unsam/core/errors";

/** The work failed, though nothing was wrong with what was asked. */
export const EXIT_FAILED = 1;
/** Bad usage or bad input. */
export const EXIT_BAD_INPUT = 2;

/** Ctrl-C: 128 + SIGINT. */
export const EXIT_INTERRUPTED = 130;

export function exitCodeOf(error: unknown): number {
  if (!UnSAMError.isInstance(error)) return EXIT_FAILED;
  return error.code === "E_RUNTIME" ||
    error.code === "E_OUT_OF_MEMORY" ||
    error.code === "E_DEVICE" ||
    error.code === "E_IO" ||
    error.code === "E_DOWNLOAD" ||
    error.code === "E_OFFLINE" ||
    error.code === "E_DISPOSED"
    ? EXIT_FAILED
    : EXIT_BAD_INPUT;
}

/** sharp's own words where its binary for this platform, an optional dependency of it, was left out. */
const NO_SHARP = /^Could not load the "sharp" module/;

/** What to do about an installation in which no photo can be read; null: that is not what went wrong. */
export function adviceWithoutSharp(error: unknown): string | null {
  if (!(error instanceof Error && NO_SHARP.test(error.message))) return null;
  return (
    `sharp, which reads and writes photos, has no binary for ${process.platform} ${process.arch} here. Install again with optional ` +
    "dependencies (npm i --include=optional; not --omit=optional or --no-optional), and on the platform that runs it."
  );
}

/** One sentence for people; an unexpected error keeps its stack, so that it can be reported. */
export function explain(error: unknown): string {
  if (UnSAMError.isInstance(error)) return error.message;
  const advice = adviceWithoutSharp(error);
  if (advice !== null) return advice;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
