import { NAMED_GRANULARITY } from "@unsam/core/names";
import type { Granularity, GranularityLevel, PointInput } from "@unsam/sdk";
import { InvalidArgumentError } from "commander";

// Parsers of option values; Commander prints what they throw and the CLI exits with 2.

/** `X,Y` or `X,Y,0|1`, repeatable. */
export function point(text: string, earlier: PointInput[] = []): PointInput[] {
  const parts = numbers(text);
  if (parts.length === 2) return [...earlier, [parts[0], parts[1]]];
  if (parts.length === 3 && (parts[2] === 0 || parts[2] === 1)) {
    return [...earlier, [parts[0], parts[1], parts[2]]];
  }
  throw new InvalidArgumentError("Give X,Y or X,Y,1 (foreground) or X,Y,0 (background), in pixels.");
}

/** `X0,Y0,X1,Y1`. */
export function box(text: string): [number, number, number, number] {
  const parts = numbers(text);
  if (parts.length !== 4) throw new InvalidArgumentError("Give X0,Y0,X1,Y1 in pixels.");
  return parts as [number, number, number, number];
}

export function granularity(text: string): Granularity {
  if (text === "auto" || Object.hasOwn(NAMED_GRANULARITY, text)) return text as Granularity;
  const [value, ...more] = numbers(text);
  if (more.length === 0 && value >= 0 && value <= 1) return value;
  throw new InvalidArgumentError(
    `Give a number from 0 to 1, ${Object.keys(NAMED_GRANULARITY).join(", ")} or auto.`,
  );
}

/** The words among granularities. */
export const GRANULARITIES: readonly string[] = [...Object.keys(NAMED_GRANULARITY), "auto"];

/** How many levels, or the levels themselves: `10` or `0.1,0.4,fine,1`. */
export function levels(text: string): number | Granularity[] {
  if (!/[,.a-z]/i.test(text)) return count(text);
  return text.split(",").map((part) => {
    const level = granularity(part.trim());
    if (level !== "auto") return level;
    throw new InvalidArgumentError("A ladder has no level auto.");
  });
}

/** One granularity, a range `0.1..1`, or a list `0.2,0.5,coarse` (two in a list stay two). */
export function granularityRange(text: string): GranularityLevel | GranularityLevel[] {
  const ends = text.split("..");
  if (ends.length === 2) return ends.flatMap(granularities);
  const list = granularities(text);
  if (list.length === 1) return list[0];
  // Two numbers alone would be a range.
  return list.length > 2 ? list : [...list, list[1]];
}

/** One or several granularities: `0.2,0.5,coarse`. */
export function granularities(text: string): GranularityLevel[] {
  return text.split(",").map((part) => {
    const level = granularity(part.trim());
    if (level !== "auto" && level !== null) return level;
    throw new InvalidArgumentError("It is about whole images: auto is no one granularity.");
  });
}

/** A number from 0 to 1. */
export function share(text: string): number {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (value >= 0 && value <= 1) return value;
  throw new InvalidArgumentError("Give a number from 0 to 1.");
}

/** 0 or more. */
export function wholeNumber(text: string): number {
  return Number(text) === 0 && text.trim() !== "" ? 0 : count(text);
}

/** A number above 0. */
export function positive(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError("Give a number above 0.");
}

/** The largest error of outlines, pixels. */
export function bound(text: string): number {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (value >= 0 && value <= 1000) return value;
  throw new InvalidArgumentError("Give a number of pixels from 0 to 1000.");
}

export function count(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new InvalidArgumentError("Give a whole number, 1 or more.");
}

function numbers(text: string): number[] {
  return text.split(",").map((part) => {
    const value = part.trim() === "" ? Number.NaN : Number(part);
    if (Number.isFinite(value)) return value;
    throw new InvalidArgumentError(`"${part}" is not a finite number.`);
  });
}

/** Any text, as often as it is given. */
export function repeatable(text: string, earlier: string[] = []): string[] {
  return [...earlier, text];
}

/** A port to listen on; 0: any that is free. */
export function port(text: string): number {
  const value = wholeNumber(text);
  if (value <= 65535) return value;
  throw new InvalidArgumentError("Give a port from 0 to 65535.");
}
