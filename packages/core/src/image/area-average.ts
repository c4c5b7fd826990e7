/** For each target position: which source positions it covers, and by what share (shares of one target sum to 1). */
export interface Coverage {
  /** Entries start[t] … start[t + 1] − 1 belong to target t, [targets + 1]. */
  readonly start: Int32Array;
  readonly source: Int32Array;
  readonly weight: Float32Array;
}

/** Exact area overlap of `to` equal cells with `from` equal cells along one axis; works in both directions. */
export function areaCoverage(from: number, to: number): Coverage {
  const start = new Int32Array(to + 1);
  const source: number[] = [];
  const weight: number[] = [];
  const step = from / to;
  for (let t = 0; t < to; t++) {
    const low = t * step;
    const high = Math.min(from, (t + 1) * step);
    for (let s = Math.floor(low); s < Math.min(from, Math.ceil(high)); s++) {
      const share = (Math.min(high, s + 1) - Math.max(low, s)) / step;
      if (share <= 1e-9) continue;
      source.push(s);
      weight.push(share);
    }
    start[t + 1] = source.length;
  }
  return { start, source: Int32Array.from(source), weight: Float32Array.from(weight) };
}
