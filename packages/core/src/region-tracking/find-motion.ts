import { type Box, boxOf, type Coverage, type FrameLook, type LookLevel } from "./look.js";
import {
  compose,
  fitSimilarity,
  IDENTITY,
  type Matches,
  rescaled,
  type Similarity,
  shifted,
  xAfter,
  yAfter,
} from "./similarity.js";
import { sampled } from "./warp.js";

/** Points that are matched at one level, about. */
const POINTS = 110;
/** Half the side of a matched patch, pixels. */
const PATCH = 3;
/** Weight of a patch's pixels that are not the object's: an object of one colour moves with its border alone. */
const OUTSIDE = 0.3;
/** A match may be so far from its way back, pixels. */
const BACK = 1.5;
/** An object's side at the coarsest level that it is looked for at, pixels. */
const COARSE_SIDE = 9;

/** How well something was found again. */
export interface FoundMotion {
  /** From the earlier look to the later one, in pixels of the finest level. */
  readonly motion: Similarity;
  /** Share of the matched points that agree with the motion, 0 … 1. */
  readonly agreement: number;
  /** By how much L rose, in steps of the look. */
  readonly light: number;
}

export interface MotionSearch {
  /** A first guess. */
  readonly guess: Similarity;
  /** How far from the guess the coarsest level looks, pixels of the finest level. */
  readonly reach: number;
  /** Number of the finest level that is looked at (default 0). */
  readonly finest?: number;
}

/**
 * Where what `coverage` covers in one look went in another: a shift of the whole at a coarse level, then patches matched
 * forth and back at finer and finer levels, and the similarity that most of them agree on.
 */
export function findMotion(
  from: FrameLook,
  coverage: readonly Coverage[],
  to: FrameLook,
  { guess, reach, finest = 0 }: MotionSearch,
): FoundMotion {
  let motion = guess;
  let agreement = 0;
  let light = 0;
  const coarsest = coarsestLevel(coverage);
  for (let level = coarsest; level >= Math.min(finest, coarsest); level--) {
    const factor = 2 ** level;
    const box = boxOf(coverage[level], 0.4);
    if (box === null) continue;
    let here = rescaled(motion, 1 / factor);
    const weights = coverage[level];
    if (level === coarsest) {
      const span = Math.max(1, Math.ceil(reach / factor));
      here = shiftOfWhole(from.levels[level], weights, to.levels[level], here, box, span);
    }
    // The last level is gone through twice, so that patches are compared as they are turned.
    for (let pass = level === 0 ? 2 : 1; pass > 0; pass--) {
      const found = refined(from.levels[level], weights, to.levels[level], here, box);
      if (found === null) break;
      here = compose(here, found.motion);
      ({ agreement, light } = found);
    }
    motion = rescaled(here, factor);
  }
  return { motion, agreement, light };
}

/** Sizes that something is looked for in, against the one it had last. */
const SIZES = [1, 0.8, 1.25];

/** For each of some sizes, where in the whole frame it looks most alike, nearer places first where they are equal. */
export function guessesAnywhere(
  from: FrameLook,
  coverage: readonly Coverage[],
  to: FrameLook,
  last: Similarity,
): Similarity[] {
  const level = coarsestLevel(coverage);
  const weights = coverage[level];
  const box = boxOf(weights, 0.4);
  if (box === null) return [];
  const x = (box.x0 + box.x1) / 2;
  const y = (box.y0 + box.y1) / 2;
  const span = Math.max(to.levels[level].width, to.levels[level].height);
  return SIZES.map((size) => {
    const here = rescaled(last, 0.5 ** level);
    const about = { a: here.a * size, b: here.b * size, tx: 0, ty: 0 };
    const guess = {
      ...about,
      tx: xAfter(here, x, y) - xAfter(about, x, y),
      ty: yAfter(here, x, y) - yAfter(about, x, y),
    };
    return rescaled(
      shiftOfWhole(from.levels[level], weights, to.levels[level], guess, box, Math.ceil(span / (size * 2))),
      2 ** level,
    );
  });
}

function coarsestLevel(coverage: readonly Coverage[]): number {
  let level = coverage.length - 1;
  for (; level > 0; level--) {
    const box = boxOf(coverage[level], 0.4);
    if (box && Math.min(box.x1 - box.x0, box.y1 - box.y0) >= COARSE_SIDE) return level;
  }
  return 0;
}

/** Colour differences count up to here, in steps of the look: what covers a part of the object shall not decide. */
const MOST_DIFFERENCE = 60;
/** Price of a step away from the guess, in steps of the look. */
const STEP_PRICE = 0.15;

/** The best shift of all of it by whole pixels. */
function shiftOfWhole(
  from: LookLevel,
  weights: Coverage,
  to: LookLevel,
  guess: Similarity,
  box: Box,
  span: number,
): Similarity {
  let best = Number.POSITIVE_INFINITY;
  let shift = guess;
  const wide = grown(box, span);
  const target = sampled(to, guess, wide);
  const stride = wide.x1 - wide.x0;
  // Of large objects some pixels are enough.
  const step = Math.max(1, Math.floor(Math.sqrt(((box.x1 - box.x0) * (box.y1 - box.y0)) / 600)));
  for (let dy = -span; dy <= span; dy++) {
    for (let dx = -span; dx <= span; dx++) {
      let cost = 0;
      let sum = 0;
      for (let y = box.y0; y < box.y1; y += step) {
        for (let x = box.x0; x < box.x1; x += step) {
          const weight = weights.data[y * from.width + x];
          if (weight < 0.5) continue;
          const p = 3 * (y * from.width + x);
          const q = 3 * ((y + dy - wide.y0) * stride + x + dx - wide.x0);
          const difference =
            0.7 * Math.abs(from.lab[p] - target[q]) +
            Math.abs(from.lab[p + 1] - target[q + 1]) +
            Math.abs(from.lab[p + 2] - target[q + 2]);
          cost += Math.min(MOST_DIFFERENCE, difference);
          sum++;
        }
      }
      cost = cost / Math.max(1, sum) + STEP_PRICE * Math.hypot(dx, dy);
      if (cost >= best) continue;
      best = cost;
      shift = shifted(guess, guess.a * dx - guess.b * dy, guess.b * dx + guess.a * dy);
    }
  }
  return shift;
}

function grown({ x0, y0, x1, y1 }: Box, by: number): Box {
  return { x0: x0 - by, y0: y0 - by, x1: x1 + by, y1: y1 + by };
}

/** How far patches are looked for at one level, pixels. */
const SEARCH = 2;

/** What the patches say that remains of the motion, in the earlier look's pixels. null: too few of them agree. */
function refined(from: LookLevel, weights: Coverage, to: LookLevel, guess: Similarity, box: Box) {
  const margin = PATCH + SEARCH;
  const near = grown(box, margin);
  const target = sampled(to, guess, near);
  const source = sampled(from, IDENTITY, near);
  const stride = near.x1 - near.x0;
  const inside = new Float32Array(stride * (near.y1 - near.y0)).fill(OUTSIDE);
  for (let y = Math.max(0, near.y0); y < Math.min(from.height, near.y1); y++) {
    for (let x = Math.max(0, near.x0); x < Math.min(from.width, near.x1); x++) {
      const share = weights.data[y * from.width + x];
      inside[(y - near.y0) * stride + x - near.x0] = OUTSIDE + (1 - OUTSIDE) * share;
    }
  }
  const places = pointsIn(weights, box);
  const matcher = new PatchMatcher(source, target, inside, stride);
  const matches: Matches & { count: number } = {
    x: new Float64Array(places.length),
    y: new Float64Array(places.length),
    u: new Float64Array(places.length),
    v: new Float64Array(places.length),
    weight: new Float64Array(places.length),
    count: 0,
  };
  const lights: number[] = [];
  let total = 0;
  for (const { x, y } of places) {
    const found = matcher.match(x - near.x0, y - near.y0);
    total += found.clarity;
    if (found.back > BACK) continue;
    const i = matches.count++;
    matches.x[i] = x + 0.5;
    matches.y[i] = y + 0.5;
    matches.u[i] = x + 0.5 + found.dx;
    matches.v[i] = y + 0.5 + found.dy;
    matches.weight[i] = found.clarity;
    lights.push(found.light);
  }
  if (matches.count < 3 || !(total > 0)) return null;
  const { motion, trust } = fitSimilarity(matches, 0.7, 6);
  let agreed = 0;
  for (let i = 0; i < matches.count; i++) agreed += trust[i];
  lights.sort((a, b) => a - b);
  return { motion, agreement: agreed / total, light: lights[lights.length >> 1] };
}

/** Places evenly over what is covered. */
function pointsIn({ width, data }: Coverage, { x0, y0, x1, y1 }: Box): { x: number; y: number }[] {
  let area = 0;
  for (let y = y0; y < y1; y++) for (let x = x0; x < x1; x++) area += data[y * width + x];
  const step = Math.max(1, Math.round(Math.sqrt(area / POINTS)));
  const places: { x: number; y: number }[] = [];
  for (let y = y0 + (step >> 1); y < y1; y += step) {
    for (let x = x0 + (step >> 1); x < x1; x += step) {
      if (data[y * width + x] >= 0.5) places.push({ x, y });
    }
  }
  return places;
}

/** Finds patches of one picture in another of the same size, whose places nearly agree. */
class PatchMatcher {
  readonly #source: Float32Array;
  readonly #target: Float32Array;
  readonly #weights: Float32Array;
  readonly #stride: number;
  readonly #costs = new Float64Array((2 * SEARCH + 1) ** 2);

  constructor(source: Float32Array, target: Float32Array, weights: Float32Array, stride: number) {
    this.#source = source;
    this.#target = target;
    this.#weights = weights;
    this.#stride = stride;
  }

  /**
   * Where the patch around (x, y) went; `back`: how far from it what is found there is found again; `clarity`: how much
   * worse other places fit, 0 … 1.
   */
  match(x: number, y: number) {
    const side = 2 * SEARCH + 1;
    let best = 0;
    let mean = 0;
    for (let k = 0; k < side * side; k++) {
      const dx = (k % side) - SEARCH;
      const dy = Math.floor(k / side) - SEARCH;
      this.#costs[k] = this.#cost(this.#source, x, y, this.#target, x + dx, y + dy, x, y);
      mean += this.#costs[k] / (side * side);
      if (this.#costs[k] < this.#costs[best] - 1e-9) best = k;
    }
    const dx = (best % side) - SEARCH;
    const dy = Math.floor(best / side) - SEARCH;
    const fine = {
      dx: dx + this.#vertex(best, 1, dx),
      dy: dy + this.#vertex(best, side, dy),
    };
    const clarity = (mean - this.#costs[best]) / (this.#costs[best] + 0.5 * mean + 4);
    const light = this.#light(x, y, dx, dy);
    const back = this.#back(x, y, dx, dy);
    return { ...fine, clarity: Math.min(1, clarity), light, back };
  }

  /** Of what is found at the shifted place, how far from (x, y) its own best match lies. */
  #back(x: number, y: number, dx: number, dy: number): number {
    let best = Number.POSITIVE_INFINITY;
    let off = 0;
    for (let by = -SEARCH; by <= SEARCH; by++) {
      for (let bx = -SEARCH; bx <= SEARCH; bx++) {
        const cost =
          this.#cost(this.#target, x + dx, y + dy, this.#source, x + bx, y + by, x, y) +
          1e-3 * Math.hypot(bx, by);
        if (cost >= best) continue;
        best = cost;
        off = Math.hypot(bx, by);
      }
    }
    return off;
  }

  /** Place of the lowest point of the parabola through three costs, −½ … ½. */
  #vertex(best: number, step: number, at: number): number {
    if (Math.abs(at) === SEARCH) return 0;
    const before = this.#costs[best - step];
    const here = this.#costs[best];
    const after = this.#costs[best + step];
    const bend = before - 2 * here + after;
    return bend > 1e-6 ? Math.max(-0.5, Math.min(0.5, (before - after) / (2 * bend))) : 0;
  }

  /** Mean difference of two patches, a change of light left out; weights are those around (wx, wy). */
  #cost(
    one: Float32Array,
    x: number,
    y: number,
    other: Float32Array,
    u: number,
    v: number,
    wx: number,
    wy: number,
  ): number {
    const stride = this.#stride;
    const offset = this.#offset(one, x, y, other, u, v, wx, wy);
    let cost = 0;
    let sum = 0;
    for (let dy = -PATCH; dy <= PATCH; dy++) {
      let p = 3 * ((y + dy) * stride + x - PATCH);
      let q = 3 * ((v + dy) * stride + u - PATCH);
      let w = (wy + dy) * stride + wx - PATCH;
      for (let dx = -PATCH; dx <= PATCH; dx++, p += 3, q += 3, w++) {
        const weight = this.#weights[w];
        cost +=
          weight *
          (Math.abs(other[q] - one[p] - offset) +
            Math.abs(other[q + 1] - one[p + 1]) +
            Math.abs(other[q + 2] - one[p + 2]));
        sum += weight;
      }
    }
    return cost / sum;
  }

  /**
   * Half the mean difference of L: what changes light, and not what is another thing. It walks the patches as `#cost` does: one
   * walk that keeps the differences for both takes 1.17 times as long (`findMotion`, medians of 120 calls in turn).
   */
  #offset(
    one: Float32Array,
    x: number,
    y: number,
    other: Float32Array,
    u: number,
    v: number,
    wx: number,
    wy: number,
  ): number {
    const stride = this.#stride;
    let difference = 0;
    let sum = 0;
    for (let dy = -PATCH; dy <= PATCH; dy++) {
      let p = 3 * ((y + dy) * stride + x - PATCH);
      let q = 3 * ((v + dy) * stride + u - PATCH);
      let w = (wy + dy) * stride + wx - PATCH;
      for (let dx = -PATCH; dx <= PATCH; dx++, p += 3, q += 3, w++) {
        difference += this.#weights[w] * (other[q] - one[p]);
        sum += this.#weights[w];
      }
    }
    return (0.7 * difference) / sum;
  }

  #light(x: number, y: number, dx: number, dy: number): number {
    return this.#offset(this.#source, x, y, this.#target, x + dx, y + dy, x, y) / 0.7;
  }
}
