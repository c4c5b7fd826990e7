// Formulas of the reference programs, one vector at a time, in float64.

export type Vector = Float64Array<ArrayBuffer>;

export interface Named {
  readonly data: Float32Array;
  readonly shape: readonly number[];
}

export function vectorOf(length: number, value: (index: number) => number): Vector {
  return Float64Array.from({ length }, (_, index) => value(index));
}

export function linear(vector: Vector, weight: Named, bias: Named): Vector {
  return vectorOf(weight.shape[0], (o) => {
    let sum = bias.data[o];
    for (let i = 0; i < vector.length; i++) sum += vector[i] * weight.data[o * vector.length + i];
    return sum;
  });
}

export function layerNorm(vector: Vector, name: string, eps: number, get: (name: string) => Named): Vector {
  const mean = vector.reduce((sum, value) => sum + value, 0) / vector.length;
  const variance = vector.reduce((sum, value) => sum + (value - mean) ** 2, 0) / vector.length;
  const [weight, bias] = [get(`${name}.weight`).data, get(`${name}.bias`).data];
  return vector.map((value, c) => ((value - mean) / Math.sqrt(variance + eps)) * weight[c] + bias[c]);
}

export function gelu(x: number): number {
  return 0.5 * x * (1 + erf(x / Math.SQRT2));
}

/** Maclaurin series near zero, the continued fraction of the complement beyond; full float64 precision for our use. */
function erf(x: number): number {
  const z = Math.abs(x);
  if (z > 6) return Math.sign(x);
  if (z < 3) {
    let term = z;
    let sum = z;
    for (let n = 1; Math.abs(term) > 1e-18; n++) {
      term *= (-z * z) / n;
      sum += term / (2 * n + 1);
    }
    return Math.sign(x) * (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = 0;
  for (let n = 60; n >= 1; n--) fraction = n / 2 / (z + fraction);
  return Math.sign(x) * (1 - Math.exp(-z * z) / Math.sqrt(Math.PI) / (z + fraction));
}
