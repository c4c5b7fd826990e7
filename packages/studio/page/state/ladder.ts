import type { LadderAnswer } from "@unsam/server/client";

export type Scale = LadderAnswer["scales"][number];

/** The answers to one prompt, from fine to coarse. */
export interface Ladder {
  readonly scales: readonly Scale[];
  /** Whether the model knows granularity; else there is one scale for all. */
  readonly hasGranularity: boolean;
  /** From the question to the answer. */
  readonly milliseconds: number;
}

/** The slider's ends: UnSAMv2 is trained on these granularities. */
export const FINEST = 0.1;
export const COARSEST = 1;

/** The granularities that a ladder asks for, evenly spaced: 0.1, 0.15 … 1. */
export const LEVELS: readonly number[] = Array.from({ length: 19 }, (_, k) => Math.round(10 + 5 * k) / 100);

/** Where scale `index` begins and ends on the slider: half-way to the levels of its neighbours. */
export function spanOf({ scales }: Ladder, index: number): readonly [from: number, to: number] {
  const edge = (k: number) => (scales[k - 1].range[1] + scales[k].range[0]) / 2;
  return [index === 0 ? FINEST : edge(index), index === scales.length - 1 ? COARSEST : edge(index + 1)];
}

export function autoIndex({ scales }: Ladder): number {
  return Math.max(
    0,
    scales.findIndex(({ isStable }) => isStable),
  );
}

/** The scale that answers a granularity. */
export function indexAt(ladder: Ladder, granularity: number | "auto"): number {
  if (granularity === "auto") return autoIndex(ladder);
  for (let k = ladder.scales.length - 1; k > 0; k--) if (granularity >= spanOf(ladder, k)[0]) return k;
  return 0;
}

/** Where the thumb stands. */
export function granularityOf(ladder: Ladder | null, granularity: number | "auto"): number {
  if (granularity !== "auto") return granularity;
  return ladder ? middleOf(ladder, autoIndex(ladder)) : 0.5;
}

export function middleOf(ladder: Ladder, index: number): number {
  const [from, to] = spanOf(ladder, index);
  return Math.round(500 * (from + to)) / 1000;
}

/** The granularity of the next different scale; null: there is none in this direction. */
export function stepFrom(
  ladder: Ladder,
  granularity: number | "auto",
  direction: "finer" | "coarser",
): number | null {
  const index = indexAt(ladder, granularity) + (direction === "finer" ? -1 : 1);
  return index >= 0 && index < ladder.scales.length ? middleOf(ladder, index) : null;
}
