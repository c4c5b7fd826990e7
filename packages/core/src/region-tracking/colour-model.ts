import type { LookLevel } from "./look.js";

/** Bins of L, a and b; a and b reach as far as bytes of a look do. */
const BINS_L = 10;
const BINS_AB = 20;
const BIN_COUNT = BINS_L * BINS_AB * BINS_AB;

/** Shares of colours, summing to 1, [10 · 20 · 20]. */
export type Colours = Float32Array;

/** The colours where `weight` lies (one for each pixel of a level); null: nowhere. */
export function coloursOf(level: LookLevel, weight: (pixel: number) => number): Colours | null {
  const counts = new Float32Array(BIN_COUNT);
  let sum = 0;
  for (let i = 0; i < level.width * level.height; i++) {
    const w = weight(i);
    if (w <= 0) continue;
    counts[binOf(level, i)] += w;
    sum += w;
  }
  if (sum <= 0) return null;
  const smooth = smoothed(counts);
  for (let i = 0; i < BIN_COUNT; i++) smooth[i] /= sum;
  return smooth;
}

export function binOf({ lab }: LookLevel, pixel: number): number {
  // L reaches 150 steps, a and b 0 … 255 around 128; most colours lie within ±64.
  const l = Math.min(BINS_L - 1, Math.floor((lab[3 * pixel] * BINS_L) / 151));
  return (l * BINS_AB + narrow(lab[3 * pixel + 1])) * BINS_AB + narrow(lab[3 * pixel + 2]);
}

function narrow(value: number): number {
  return Math.min(BINS_AB - 1, Math.max(0, Math.floor(((value - 64) * BINS_AB) / 128)));
}

/** Counts leak into the neighbouring bins: [¼, ½, ¼] along each axis. */
function smoothed(counts: Float32Array): Float32Array {
  let now = counts;
  for (const step of [1, BINS_AB, BINS_AB * BINS_AB]) {
    const size = step === BINS_AB * BINS_AB ? BINS_L : BINS_AB;
    const next = new Float32Array(BIN_COUNT);
    for (let i = 0; i < BIN_COUNT; i++) {
      if (now[i] === 0) continue;
      const at = Math.floor(i / step) % size;
      next[i] += now[i] / 2;
      next[at > 0 ? i - step : i] += now[i] / 4;
      next[at < size - 1 ? i + step : i] += now[i] / 4;
    }
    now = next;
  }
  return now;
}

/** Some of the new colours come in. */
export function blended(old: Colours, fresh: Colours, share: number): Colours {
  return old.map((value, i) => (1 - share) * value + share * fresh[i]);
}

/** Colours that were never seen count as so many. */
const UNSEEN = 2e-4;

/** How much more a colour speaks for the one than for the other: log ratio, [bin]. */
export function preference(one: Colours, other: Colours): Float32Array {
  return one.map((value, i) => Math.log((value + UNSEEN) / (other[i] + UNSEEN)));
}
