import { UnSAMError } from "../errors.js";

/** A setting of the user's dial and the model's granularity there. */
export type Knot = readonly [dial: number, granularity: number];

/** More would be a fit to noise. */
export const MOST_KNOTS = 32;

/** The least a map rises, per unit of the dial: every setting stays a setting of its own, and the way back exists. */
export const LEAST_SLOPE = 1e-3;

/**
 * A strictly rising, piecewise linear map of [0, 1] into [0, 1], from a user's dial to a model's granularity. Its first
 * knot lies at dial 0, its last at dial 1.
 */
export class DialMap {
  readonly knots: readonly Knot[];

  /** Throws `E_BAD_FILE` for knots that are no such map. */
  constructor(knots: readonly Knot[]) {
    if (knots.length < 2 || knots.length > MOST_KNOTS) {
      throw broken(`it has ${knots.length} knots; 2 to ${MOST_KNOTS} are needed`);
    }
    knots.forEach(([dial, granularity], i) => {
      if (!(dial >= 0 && dial <= 1 && granularity >= 0 && granularity <= 1)) {
        throw broken(`knot ${i} is (${dial}, ${granularity}); both numbers must be from 0 to 1`);
      }
      if (i > 0 && !(dial > knots[i - 1][0] && granularity > knots[i - 1][1])) {
        throw broken(`knot ${i} (${dial}, ${granularity}) does not rise above the one before`);
      }
    });
    if (knots[0][0] !== 0 || knots[knots.length - 1][0] !== 1) {
      throw broken("its knots do not reach from dial 0 to dial 1");
    }
    this.knots = knots.map(([dial, granularity]) => [dial, granularity] as const);
  }

  /** The model's granularity at a setting of the dial, both in [0, 1]. */
  toModel(dial: number): number {
    return along(this.knots, dial, 0, 1);
  }

  /** The setting of the dial nearest to a granularity of the model, both in [0, 1]. */
  toDial(granularity: number): number {
    return along(this.knots, granularity, 1, 0);
  }
}

function along(knots: readonly Knot[], value: number, from: 0 | 1, to: 0 | 1): number {
  if (value <= knots[0][from]) return knots[0][to];
  for (let i = 1; i < knots.length; i++) {
    const [a, b] = [knots[i - 1], knots[i]];
    if (value === b[from]) return b[to];
    if (value < b[from]) return a[to] + ((value - a[from]) / (b[from] - a[from])) * (b[to] - a[to]);
  }
  return knots[knots.length - 1][to];
}

/** Where nothing is known of the dial it stays as it is: at its ends, and at 0.1, where training began. */
const ANCHORS: readonly Knot[] = [
  [0, 0],
  [0.1, 0.1],
  [1, 1],
];

/**
 * The map through fitted knots (dials ascending and different, granularities not falling), with the anchors outside of
 * their range, made strictly rising by at least `LEAST_SLOPE`.
 */
export function mapThrough(fitted: readonly Knot[]): DialMap {
  const [first, last] = [fitted[0], fitted[fitted.length - 1]];
  const knots = [
    ...ANCHORS.filter(([dial]) => dial < first[0]),
    ...fitted,
    ...ANCHORS.filter(([dial]) => dial > last[0]),
  ].map(([dial, granularity]) => ({ dial, granularity }));
  for (let i = 1; i < knots.length; i++) {
    const least = knots[i - 1].granularity + LEAST_SLOPE * (knots[i].dial - knots[i - 1].dial);
    knots[i].granularity = Math.max(knots[i].granularity, least);
  }
  const end = knots[knots.length - 1];
  end.granularity = Math.min(1, end.granularity);
  for (let i = knots.length - 2; i >= 0; i--) {
    const most = knots[i + 1].granularity - LEAST_SLOPE * (knots[i + 1].dial - knots[i].dial);
    knots[i].granularity = Math.max(0, Math.min(knots[i].granularity, most));
  }
  return new DialMap(knots.map(({ dial, granularity }) => [dial, granularity]));
}

function broken(what: string): UnSAMError {
  return new UnSAMError("E_BAD_FILE", `The calibration is no map of the dial: ${what}.`);
}
