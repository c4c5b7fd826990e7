import type { NativeErrorCode } from "@unsam/native-cuda";
import { UnSAMError } from "../errors.js";

export const DISPOSED = "This encoded image, or its model, was disposed; encode the photo again.";

const CODES: ReadonlySet<unknown> = new Set<NativeErrorCode>([
  "E_BAD_CHECKPOINT",
  "E_BAD_FILE",
  "E_BAD_PROMPT",
  "E_BAD_OPTION",
  "E_UNSUPPORTED",
  "E_DISPOSED",
  "E_OUT_OF_MEMORY",
  "E_DEVICE",
  "E_RUNTIME",
]);

/** The same promise, with the addon's errors as errors of ours. */
export async function typed<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (cause) {
    const { code, message } = cause as { code?: unknown; message: string };
    if (UnSAMError.isInstance(cause) || !CODES.has(code)) throw cause;
    throw new UnSAMError(code as NativeErrorCode, code === "E_DISPOSED" ? DISPOSED : message, { cause });
  }
}
