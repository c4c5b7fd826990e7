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

/** One sentence for people; an unexpected error keeps its stack, so that it can be reported. */
export function explain(error: unknown): string {
  if (UnSAMError.isInstance(error)) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
