/** A turn with a scale and a shift: x′ = a·x − b·y + tx, y′ = b·x + a·y + ty. */
export interface Similarity {
  readonly a: number;
  readonly b: number;
  readonly tx: number;
  readonly ty: number;
}

export const IDENTITY: Similarity = { a: 1, b: 0, tx: 0, ty: 0 };

/** `outer` after `inner`. */
export function compose(outer: Similarity, inner: Similarity): Similarity {
  return {
    a: outer.a * inner.a - outer.b * inner.b,
    b: outer.a * inner.b + outer.b * inner.a,
    tx: outer.a * inner.tx - outer.b * inner.ty + outer.tx,
    ty: outer.b * inner.tx + outer.a * inner.ty + outer.ty,
  };
}

export function inverse({ a, b, tx, ty }: Similarity): Similarity {
  const square = a * a + b * b;
  return {
    a: a / square,
    b: -b / square,
    tx: -(a * tx + b * ty) / square,
    ty: (b * tx - a * ty) / square,
  };
}

export function shifted(motion: Similarity, dx: number, dy: number): Similarity {
  return { ...motion, tx: motion.tx + dx, ty: motion.ty + dy };
}

/** By which factor lengths grow. */
export function scaleOf({ a, b }: Similarity): number {
  return Math.hypot(a, b);
}

/** The same motion where all lengths are `factor` times as long. */
export function rescaled(motion: Similarity, factor: number): Similarity {
  return { ...motion, tx: motion.tx * factor, ty: motion.ty * factor };
}

export function xAfter({ a, b, tx }: Similarity, x: number, y: number): number {
  return a * x - b * y + tx;
}

export function yAfter({ a, b, ty }: Similarity, x: number, y: number): number {
  return b * x + a * y + ty;
}

/** Points that went from (x, y) to (u, v), each with a weight. */
export interface Matches {
  readonly x: Float64Array;
  readonly y: Float64Array;
  readonly u: Float64Array;
  readonly v: Float64Array;
  readonly weight: Float64Array;
  /** How many there are; the arrays may be longer. */
  readonly count: number;
}

/** Rounds of reweighting; more change nothing that is seen. */
const ROUNDS = 10;

/**
 * The similarity that most of the matches agree on: least squares, each match weighted down by how far it is off (Cauchy,
 * in units of `tolerance` pixels). `stiffness`: how strongly the identity's scale and turn are preferred, in matches.
 * Returns the final weights, too, each within its own.
 */
export function fitSimilarity(matches: Matches, tolerance: number, stiffness: number) {
  const { x, y, u, v, weight, count } = matches;
  const trust = Float64Array.from(weight.subarray(0, count));
  let motion = IDENTITY;
  for (let round = 0; round < ROUNDS; round++) {
    motion = leastSquares(matches, trust, stiffness);
    for (let i = 0; i < count; i++) {
      const off =
        Math.hypot(xAfter(motion, x[i], y[i]) - u[i], yAfter(motion, x[i], y[i]) - v[i]) / tolerance;
      trust[i] = weight[i] / (1 + off * off);
    }
  }
  return { motion, trust };
}

function leastSquares({ x, y, u, v, count }: Matches, trust: Float64Array, stiffness: number): Similarity {
  let sum = 0;
  let mx = 0;
  let my = 0;
  let mu = 0;
  let mv = 0;
  for (let i = 0; i < count; i++) {
    sum += trust[i];
    mx += trust[i] * x[i];
    my += trust[i] * y[i];
    mu += trust[i] * u[i];
    mv += trust[i] * v[i];
  }
  if (!(sum > 0)) return IDENTITY;
  mx /= sum;
  my /= sum;
  mu /= sum;
  mv /= sum;
  let spread = 0;
  let along = 0;
  let across = 0;
  for (let i = 0; i < count; i++) {
    const px = x[i] - mx;
    const py = y[i] - my;
    const qx = u[i] - mu;
    const qy = v[i] - mv;
    spread += trust[i] * (px * px + py * py);
    along += trust[i] * (px * qx + py * qy);
    across += trust[i] * (px * qy - py * qx);
  }
  const held = (stiffness * spread) / sum + 1e-9;
  const a = (along + held) / (spread + held);
  const b = across / (spread + held);
  return { a, b, tx: mu - (a * mx - b * my), ty: mv - (b * mx + a * my) };
}
