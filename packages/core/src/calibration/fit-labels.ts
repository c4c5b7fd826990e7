import type { Knot } from "./granularity-map.js";

/** What one labelled region says: at this granularity it should be the answer. */
export interface LabelCurve {
  readonly granularity: number;
  /** IoU of the model's answer with the region at each of the levels. */
  readonly iou: ArrayLike<number>;
}

/** Share of the neighbours' IoU that breaks ties: in the middle of a plateau rather than at its edge. */
const TIE_BREAK = 1e-3;

/**
 * Isotonic fit: for each granularity that has labels one of the levels, never falling with it, so that the
 * sum of IoU over all labels is the largest possible. Exact, by dynamic programming over granularities and levels.
 * `levels`: the model's granularities, ascending. At least one label.
 */
export function fitLabels(levels: readonly number[], labels: readonly LabelCurve[]): Knot[] {
  const wanted = [...new Set(labels.map(({ granularity }) => granularity))].sort((a, b) => a - b);
  const count = levels.length;
  const gains = wanted.map((granularity) => {
    const sums = new Float64Array(count);
    for (const label of labels) {
      if (label.granularity === granularity) for (let l = 0; l < count; l++) sums[l] += label.iou[l];
    }
    return sums.map((sum, l) => sum + TIE_BREAK * smoothed(sums, l));
  });
  // best[d][l]: the most that the granularities up to d can reach with levels up to l; chosen[d][l]: the level of d there.
  const best: Float64Array[] = [];
  const chosen: Int32Array[] = [];
  gains.forEach((gain, d) => {
    best.push(new Float64Array(count));
    chosen.push(new Int32Array(count));
    for (let l = 0; l < count; l++) {
      const value = gain[l] + (d > 0 ? best[d - 1][l] : 0);
      const keep = l > 0 && best[d][l - 1] >= value;
      best[d][l] = keep ? best[d][l - 1] : value;
      chosen[d][l] = keep ? chosen[d][l - 1] : l;
    }
  });
  const knots: Knot[] = [];
  let limit = count - 1;
  for (let d = wanted.length - 1; d >= 0; d--) {
    limit = chosen[d][limit];
    knots.unshift([wanted[d], levels[limit]]);
  }
  return knots;
}

/** Mean over the neighbourhood of three levels on both sides. */
function smoothed(values: Float64Array, at: number): number {
  let sum = 0;
  let weight = 0;
  for (let l = Math.max(0, at - 3); l <= Math.min(values.length - 1, at + 3); l++) {
    const near = 4 - Math.abs(l - at);
    sum += near * values[l];
    weight += near;
  }
  return sum / weight;
}
