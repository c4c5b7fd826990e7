import { shownValue, UnSAMError } from "@unsam/core/errors";
import { NAMED_GRANULARITY } from "@unsam/core/names";

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

/** The range that UnSAMv2 is trained on; ladders and steps lie in it. */
const [FINEST, COARSEST] = [0.1, 1];
/** More would be a slip: neighbouring levels then differ by less than any model tells apart. */
const MOST_LEVELS = 256;

/**
 * The granularities of a ladder, ascending: n of them evenly spaced over [0.1, 1] with both ends (one alone is 1), or those
 * given, sorted, without repetitions. Throws `E_BAD_OPTION`.
 */
export function ladderLevels(levels: number | readonly Granularity[]): number[] {
  if (typeof levels === "number") {
    if (!Number.isInteger(levels) || levels < 1 || levels > MOST_LEVELS) throw badLevels(`${levels}`);
    if (levels === 1) return [COARSEST];
    const step = (COARSEST - FINEST) / (levels - 1);
    // Rounded, so that ten levels are 0.1, 0.2 … 1 and not 0.30000000000000004.
    return Array.from({ length: levels }, (_, i) => Number((FINEST + i * step).toFixed(6)));
  }
  if (!Array.isArray(levels) || levels.length < 1 || levels.length > MOST_LEVELS) {
    throw badLevels(Array.isArray(levels) ? `a list of ${levels.length}` : shownValue(levels));
  }
  const numbers = levels.map((level) => {
    const number = parseGranularity(level);
    if (typeof number !== "number") throw badLevels(`a list with ${shownValue(level)}`);
    return number;
  });
  return [...new Set(numbers)].sort((a, b) => a - b);
}

function badLevels(shown: string): UnSAMError {
  return new UnSAMError(
    "E_BAD_OPTION",
    `The levels of the ladder are ${shown}; give how many (1 to ${MOST_LEVELS}) or a list of granularities from 0 to 1.`,
  );
}

function bad(value: unknown): UnSAMError {
  const names = Object.keys(NAMED_GRANULARITY).join(", ");
  return new UnSAMError(
    "E_BAD_PROMPT",
    `The granularity is ${shownValue(value)}; give a number from 0 to 1, ${names}, auto, or null.`,
  );
}
