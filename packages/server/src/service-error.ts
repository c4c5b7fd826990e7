/** What the service itself refuses, for programs. Faults of images, prompts and options carry the codes of `UnSAMError`. */
export type ServiceErrorCode =
  | "E_BAD_REQUEST"
  | "E_BUSY"
  | "E_FORBIDDEN"
  | "E_INTERNAL"
  | "E_MEDIA_TYPE"
  | "E_NOT_ACCEPTABLE"
  | "E_NOT_FOUND"
  | "E_NO_IMAGE"
  | "E_RATE"
  | "E_TIMEOUT"
  | "E_TOO_LARGE"
  | "E_UNAUTHORIZED"
  | "E_URL";

/** An answer that is no result: its status, and what is said. */
export class ServiceError extends Error {
  override readonly name = "ServiceError";
  readonly statusCode: number;
  readonly code: ServiceErrorCode;
  /** Seconds after which it is worth trying again; null: it is not. */
  readonly retryAfter: number | null;

  constructor(
    statusCode: number,
    code: ServiceErrorCode,
    message: string,
    { retryAfter = null, cause }: { readonly retryAfter?: number | null; readonly cause?: unknown } = {},
  ) {
    super(message, cause === undefined ? {} : { cause });
    this.statusCode = statusCode;
    this.code = code;
    this.retryAfter = retryAfter;
  }
}

/** 503: the service cannot take more now. */
export function busy(seconds: number): ServiceError {
  const retryAfter = Math.max(1, Math.ceil(seconds));
  return new ServiceError(
    503,
    "E_BUSY",
    `Too much is being worked on; try again in ${retryAfter} ${retryAfter === 1 ? "second" : "seconds"}.`,
    { retryAfter },
  );
}

/** 503: the service ends. */
export function stopping(): ServiceError {
  return new ServiceError(503, "E_BUSY", "The service is being stopped; try again in 5 seconds.", {
    retryAfter: 5,
  });
}

/** 404: there is no such image. */
export function noImage(): ServiceError {
  return new ServiceError(404, "E_NO_IMAGE", "There is no such image here (any more); send it again.");
}

/** 413: a photo takes no more. */
export function tooLarge(maxBytes: number): ServiceError {
  return new ServiceError(413, "E_TOO_LARGE", `A photo takes at most ${maxBytes} bytes.`);
}
