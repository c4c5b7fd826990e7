import { UnSAMError } from "../errors.js";

/** The user's granularity and the model's that stands for it. */
export type Knot = readonly [user: number, model: number];

/** More would be a fit to noise. */
export const MOST_KNOTS = 32;

/** The least a map rises, per unit: different granularities stay different, and the way back exists. */
export const LEAST_SLOPE = 1e-3;

/**
 * A strictly rising, piecewise linear map of [0, 1] into [0, 1], from the user's granularity to the model's. Its first
 * knot lies at the user's 0, its last at 1.
 */
export class GranularityMap {
  readonly knots: readonly Knot[];

  /** Throws `E_BAD_FILE` for knots that are no such map. */
  constructor(knots: readonly Knot[]) {
    if (knots.length < 2 || knots.length > MOST_KNOTS) {
      throw broken(`it has ${knots.length} knots; 2 to ${MOST_KNOTS} are needed`);
    }
    knots.forEach(([user, model], i) => {
      if (!(user >= 0 && user <= 1 && model >= 0 && model <= 1)) {
        throw broken(`knot ${i} is (${user}, ${model}); both numbers must be from 0 to 1`);
      }
      if (i > 0 && !(user > knots[i - 1][0] && model > knots[i - 1][1])) {
        throw broken(`knot ${i} (${user}, ${model}) does not rise above the one before`);
      }
    });
    if (knots[0][0] !== 0 || knots[knots.length - 1][0] !== 1) {
      throw broken("its knots do not reach from granularity 0 to 1");
    }
    this.knots = knots.map(([user, model]) => [user, model] as const);
  }

  /** The model's granularity for the user's, both in [0, 1]. */
  toModel(user: number): number {
    return along(this.knots, user, 0, 1);
  }

  /** The user's granularity for the model's, both in [0, 1]. */
  toUser(model: number): number {
    return along(this.knots, model, 1, 0);
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

/** Where nothing is known, granularity stays as it is: at its ends, and at 0.1, where training began. */
const ANCHORS: readonly Knot[] = [
  [0, 0],
  [0.1, 0.1],
  [1, 1],
];

/**
 * The map through fitted knots (the user's ascending and different, the model's not falling), with the anchors outside of
 * their range, made strictly rising by at least `LEAST_SLOPE`.
 */
export function mapThrough(fitted: readonly Knot[]): GranularityMap {
  const [first, last] = [fitted[0], fitted[fitted.length - 1]];
  const knots = [
    ...ANCHORS.filter(([user]) => user < first[0]),
    ...fitted,
    ...ANCHORS.filter(([user]) => user > last[0]),
  ].map(([user, model]) => ({ user, model }));
  for (let i = 1; i < knots.length; i++) {
    const least = knots[i - 1].model + LEAST_SLOPE * (knots[i].user - knots[i - 1].user);
    knots[i].model = Math.max(knots[i].model, least);
  }
  const end = knots[knots.length - 1];
  end.model = Math.min(1, end.model);
  for (let i = knots.length - 2; i >= 0; i--) {
    const most = knots[i + 1].model - LEAST_SLOPE * (knots[i + 1].user - knots[i].user);
    knots[i].model = Math.max(0, Math.min(knots[i].model, most));
  }
  return new GranularityMap(knots.map(({ user, model }) => [user, model]));
}

function broken(what: string): UnSAMError {
  return new UnSAMError("E_BAD_FILE", `The calibration is no map of granularity: ${what}.`);
}
