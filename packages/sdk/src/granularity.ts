import { UnSAMError } from "@unsam/core/errors";

/** Names for three settings of the dial. UnSAMv2 is trained on [0.1, 1]. */
export const NAMED_GRANULARITY = { fine: 0.2, medium: 0.5, coarse: 1 } as const;

/**
 * How much of what lies under the prompt is meant, from a part (0) to the whole object (1).
 * A number, a name, `"auto"` (the library chooses and reports what it chose), or `null` (no granularity token at all).
 */
export type Granularity = number | keyof typeof NAMED_GRANULARITY | "auto" | null;

/** A granularity as the engines take it. Throws `E_BAD_PROMPT`. */
export function parseGranularity(value: unknown): number | "auto" | null {
  if (value === null || value === "auto") return value;
  if (typeof value === "number") {
    if (value >= 0 && value <= 1) return value;
    throw bad(value);
  }
  if (typeof value === "string" && Object.hasOwn(NAMED_GRANULARITY, value)) {
    return NAMED_GRANULARITY[value as keyof typeof NAMED_GRANULARITY];
  }
  throw bad(value);
}

function bad(value: unknown): UnSAMError {
  const names = Object.keys(NAMED_GRANULARITY).join(", ");
  const shown = typeof value === "number" ? `${value}` : (JSON.stringify(value) ?? String(value));
  return new UnSAMError(
    "E_BAD_PROMPT",
    `The granularity is ${shown}; give a number from 0 to 1, ${names}, auto, or null.`,
  );
}
