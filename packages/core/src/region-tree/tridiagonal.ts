export interface EigenPairs {
  /** Ascending, [n]. */
  readonly values: Float64Array;
  /** Row k is the unit eigenvector of values[k], [n, n]. */
  readonly vectors: Float64Array;
}

/**
 * All eigenpairs of a symmetric tridiagonal matrix, by QL with implicit shifts (Golub & Van Loan, section 8.3).
 * `diagonal` is [n], `offDiagonal` [n − 1].
 */
export function tridiagonalEigenpairs(diagonal: Float64Array, offDiagonal: Float64Array): EigenPairs {
  const n = diagonal.length;
  const d = Float64Array.from(diagonal);
  const e = new Float64Array(n);
  e.set(offDiagonal.subarray(0, Math.max(0, n - 1)));
  // Rows are vectors, so that a rotation of two vectors runs over contiguous memory.
  const z = new Float64Array(n * n);
  for (let i = 0; i < n; i++) z[i * n + i] = 1;

  for (let l = 0; l < n; l++) {
    for (let sweep = 0; sweep < 60; sweep++) {
      let m = l;
      while (m < n - 1 && Math.abs(e[m]) > Number.EPSILON * (Math.abs(d[m]) + Math.abs(d[m + 1]))) m++;
      if (m === l) break;
      const half = (d[l + 1] - d[l]) / (2 * e[l]);
      let g = d[m] - d[l] + e[l] / (half + Math.sign(half || 1) * Math.sqrt(half * half + 1));
      let s = 1;
      let c = 1;
      let p = 0;
      for (let i = m - 1; i >= l; i--) {
        const f = s * e[i];
        const b = c * e[i];
        const r = Math.sqrt(f * f + g * g);
        e[i + 1] = r;
        if (r === 0) {
          d[i + 1] -= p;
          break;
        }
        s = f / r;
        c = g / r;
        g = d[i + 1] - p;
        const t = (d[i] - g) * s + 2 * c * b;
        p = s * t;
        d[i + 1] = g + p;
        g = c * t - b;
        const upper = i * n;
        const lower = upper + n;
        for (let k = 0; k < n; k++) {
          const w = z[lower + k];
          z[lower + k] = s * z[upper + k] + c * w;
          z[upper + k] = c * z[upper + k] - s * w;
        }
        if (i === l) {
          d[l] -= p;
          e[l] = g;
          e[m] = 0;
        }
      }
      if (e[m] !== 0 && m > l) e[m] = 0;
    }
  }
  const order = Array.from(d.keys()).sort((i, j) => d[i] - d[j] || i - j);
  const vectors = new Float64Array(n * n);
  order.forEach((from, to) => {
    vectors.set(z.subarray(from * n, from * n + n), to * n);
  });
  return { values: Float64Array.from(order, (i) => d[i]), vectors };
}
