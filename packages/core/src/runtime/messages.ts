import { type ErrorCode, UnSAMError } from "../errors.js";
import { reasonOf } from "../files/index.js";

/** One call of a function of a module. */
export interface CallMessage {
  readonly kind: "call";
  readonly number: number;
  readonly module: string;
  readonly name: string;
  readonly args: readonly unknown[];
  /** Places in `args` that stand for something the thread keeps, with its number. */
  readonly handles: readonly (readonly [place: number, id: number])[];
}

/** Asks the thread to free something it keeps. */
export interface ReleaseMessage {
  readonly kind: "release";
  readonly id: number;
}

export type ToWorker = CallMessage | ReleaseMessage;

/** Something the result of a call has left on the thread: the result itself (`key` null), or one of its fields. */
export interface KeptField {
  readonly key: string | null;
  readonly id: number;
  readonly gone: string;
}

export type FromWorker =
  | { readonly kind: "result"; readonly value: unknown; readonly kept: readonly KeptField[] }
  | { readonly kind: "failed"; readonly error: ErrorMessage }
  | { readonly kind: "released"; readonly id: number; readonly error: ErrorMessage | null }
  /** Why the thread is about to end. */
  | { readonly kind: "dying"; readonly why: string };

/** An error as it crosses threads. */
export interface ErrorMessage {
  readonly code: ErrorCode | null;
  readonly message: string;
  readonly stack: string | undefined;
}

export function errorMessage(cause: unknown): ErrorMessage {
  if (!(cause instanceof Error)) return { code: null, message: reasonOf(cause), stack: undefined };
  const code = UnSAMError.isInstance(cause) ? cause.code : null;
  return { code, message: cause.message || reasonOf(cause), stack: cause.stack };
}

export function errorOf({ code, message, stack }: ErrorMessage): Error {
  const error = code ? new UnSAMError(code, message) : new Error(message);
  if (stack) error.stack = stack;
  return error;
}
