/** Two masks of one prompt with at least this IoU are one scale. */
export const SAME_SCALE_IOU = 0.95;

/** One granularity that stands for others, too. */
export interface Scale {
  /** Which granularity. */
  readonly index: number;
  /** Share of all granularities that it stands for and no scale before it does, in (0, 1]; never rising along the list. */
  readonly worth: number;
}

/** A runner-up must stand for at least this much of what the best scale stands for. */
const LEAST_WORTH = 0.02;

/**
 * The granularities that stand best for all, best first. With w_j the weight of granularity j and IoU(i, j) the
 * agreement of two masks, the first is the i that maximises Σ_j w_j · IoU(i, j): the mask that changes least over the
 * widest and most trusted range of granularity. Each further one maximises what it adds,
 * Σ_j w_j · max(0, IoU(i, j) − best IoU of j with those before it), so runners-up are scales of their own and not
 * neighbours of the first. No two of them are the same scale. Greedy facility location: worths never rise.
 *
 * @param weights at least one, none negative; where all are 0 they count alike
 * @param limit how many at most
 */
export function persistentScales(
  weights: ArrayLike<number>,
  iou: (a: number, b: number) => number,
  limit: number,
): Scale[] {
  const count = weights.length;
  const total = sum(weights, count);
  const share = Array.from({ length: count }, (_, i) => (total > 0 ? weights[i] / total : 1 / count));
  const table = agreements(count, iou);
  const stoodFor = new Float64Array(count);
  const scales: Scale[] = [];
  while (scales.length < Math.min(limit, count)) {
    let index = -1;
    let worth = 0;
    for (let i = 0; i < count; i++) {
      if (scales.some((scale) => table[i * count + scale.index] >= SAME_SCALE_IOU)) continue;
      let gain = 0;
      for (let j = 0; j < count; j++) gain += share[j] * Math.max(0, table[i * count + j] - stoodFor[j]);
      // Of equals the coarser one: it holds the other.
      if (index < 0 || gain >= worth) [index, worth] = [i, gain];
    }
    if (index < 0 || (scales.length > 0 && !(worth >= LEAST_WORTH * scales[0].worth))) break;
    scales.push({ index, worth });
    for (let j = 0; j < count; j++) stoodFor[j] = Math.max(stoodFor[j], table[index * count + j]);
  }
  return scales;
}

/**
 * How wide a range each of several ascending granularities stands for: half the way to its neighbours. One alone
 * stands for all.
 */
export function granularitySpans(levels: readonly number[]): number[] {
  if (levels.length === 1) return [1];
  return levels.map((level, i) => ((levels[i + 1] ?? level) - (levels[i - 1] ?? level)) / 2);
}

/** IoU of every pair, [count, count]; a mask agrees with itself even where it is empty. */
function agreements(count: number, iou: (a: number, b: number) => number): Float64Array {
  const table = new Float64Array(count * count);
  for (let i = 0; i < count; i++) {
    table[i * count + i] = 1;
    for (let j = 0; j < i; j++) table[i * count + j] = table[j * count + i] = iou(i, j);
  }
  return table;
}

function sum(values: ArrayLike<number>, count: number): number {
  let total = 0;
  for (let i = 0; i < count; i++) total += values[i];
  return total;
}
