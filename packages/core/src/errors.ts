/** What went wrong, for programs. The message says it for people: what, with which value, what to do. */
export type ErrorCode =
  /** The file is no checkpoint we can read, or its tensors do not form the model. */
  | "E_BAD_CHECKPOINT"
  /** The model configuration is malformed or does not fit the weights. */
  | "E_BAD_CONFIG"
  /** The image cannot be decoded, is too large, or is no image. */
  | "E_BAD_IMAGE"
  /** A point, box, mask or granularity is malformed or outside its range. */
  | "E_BAD_PROMPT"
  /** An option has a value that does not exist. */
  | "E_BAD_OPTION"
  /** A saved file (encoded image, mask, …) is malformed or belongs to another model. */
  | "E_BAD_FILE"
  /** The model in use cannot do what was asked, or the SDK was put into a bundle. */
  | "E_UNSUPPORTED"
  /** The object was disposed before this call. */
  | "E_DISPOSED"
  /** A file could not be read or written. */
  | "E_IO"
  /** A model could not be fetched: the network, the hub's answer, or bytes that are not those expected. */
  | "E_DOWNLOAD"
  /** The model is not on this machine, and nothing may be downloaded. */
  | "E_OFFLINE"
  /** A device's memory does not hold what was asked for; what was there before still works. */
  | "E_OUT_OF_MEMORY"
  /** A call to a device failed. */
  | "E_DEVICE"
  /** The inference runtime failed. */
  | "E_RUNTIME";

/** Every copy of this class carries it, so that an error of another copy of the package is known as well. */
const MARK = Symbol.for("unsam.error");

export class UnSAMError extends Error {
  override readonly name = "UnSAMError";
  readonly code: ErrorCode;

  /**
   * Whether this is an `UnSAMError`, also of another copy of the package: two versions of it may be installed side by side,
   * and `instanceof` knows only one of them.
   */
  static isInstance(error: unknown): error is UnSAMError {
    return typeof error === "object" && error !== null && MARK in error;
  }

  get [MARK](): true {
    return true;
  }

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

const LONGEST_SHOWN = 60;
const MOST_ITEMS = 8;

/** A value of unknown origin as errors show it: on one line, of bounded length, with NaN and infinities as they are. */
export function shownValue(value: unknown): string {
  const text = described(value, 2);
  return text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN - 1)}…` : text;
}

function described(value: unknown, depth: number): string {
  if (typeof value === "string") return JSON.stringify(value.slice(0, LONGEST_SHOWN));
  if (typeof value === "function" || typeof value === "symbol") return `a ${typeof value}`;
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value !== "object" || value === null) return `${value}`;
  if (depth === 0) return "…";
  if (Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView))) {
    const list = value as ArrayLike<unknown>;
    const items = Array.from({ length: Math.min(list.length, MOST_ITEMS) }, (_, i) =>
      described(list[i], depth - 1),
    );
    return `[${items.join(", ")}${list.length > MOST_ITEMS ? ", …" : ""}]`;
  }
  try {
    const entries = Object.entries(value).slice(0, MOST_ITEMS);
    return `{${entries.map(([key, item]) => `${JSON.stringify(key)}: ${described(item, depth - 1)}`).join(", ")}}`;
  } catch {
    // A proxy or a getter may throw whatever it likes.
    return "an object";
  }
}
