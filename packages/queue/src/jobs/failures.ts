import { type ErrorCode, UnSAMError } from "@unsam/core/errors";
import { reasonOf } from "@unsam/core/files";
import { UnrecoverableError } from "bullmq";
import { MOST_DEATHS } from "./photo-job.js";

/** Failures of a disk, a network or memory: another try, or another machine, may succeed. All others are the photo's. */
const MAY_PASS: ReadonlySet<ErrorCode> = new Set([
  "E_IO",
  "E_RUNTIME",
  "E_OUT_OF_MEMORY",
  "E_DEVICE",
  "E_DISPOSED",
  "E_DOWNLOAD",
  "E_OFFLINE",
]);

/** A failure as BullMQ takes it: tried again, or parked at once. Its message is all that is kept. */
export function failureOf(error: unknown): Error {
  if (!UnSAMError.isInstance(error)) return new Error(reasonOf(error));
  const message = `${error.code}: ${error.message}`;
  return MAY_PASS.has(error.code) ? new Error(message) : new UnrecoverableError(message);
}

/** Takes a kept message apart again. */
export function reasonOfFailure(message: string | undefined): { code: string | null; reason: string } {
  if (message === undefined || message === "") return { code: null, reason: "It is not known why." };
  if (message.includes("job stalled more than")) {
    return { code: null, reason: `${MOST_DEATHS + 1} workers died while they were at it.` };
  }
  const [, code, reason] = /^(E_[A-Z_]+): (.*)$/s.exec(message) ?? [];
  return code === undefined ? { code: null, reason: message } : { code, reason };
}
