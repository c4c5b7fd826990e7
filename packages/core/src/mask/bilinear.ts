export interface SourcePositions {
  /** Index of the sample before each output position. */
  readonly before: Int32Array;
  /** Weight of the sample after it. */
  readonly fraction: Float32Array;
}

/** In float32 as PyTorch does it: the positions, not the sums, are where rounding shows. */
export function sourcePositions(size: number, outSize: number): SourcePositions {
  const scale = Math.fround(size / outSize);
  const before = new Int32Array(outSize);
  const fraction = new Float32Array(outSize);
  for (let i = 0; i < outSize; i++) {
    const position = Math.max(0, Math.fround(Math.fround(scale * (i + 0.5)) - 0.5));
    before[i] = Math.min(Math.floor(position), size - 1);
    fraction[i] = Math.min(position - before[i], 1);
  }
  return { before, fraction };
}

/** One row of logits to another width. */
export function stretchRow(
  row: Float32Array,
  { before, fraction }: SourcePositions,
  out: Float32Array,
): void {
  const last = row.length - 1;
  for (let x = 0; x < out.length; x++) {
    const left = row[before[x]];
    const right = row[Math.min(before[x] + 1, last)];
    out[x] = left * (1 - fraction[x]) + right * fraction[x];
  }
}

/**
 * Logits [side, side] at another size, bilinear with half-pixel centres (PyTorch's `interpolate(mode="bilinear",
 * align_corners=False)`). Without antialiasing: for enlarging.
 */
export function upsampleLogits(
  logits: Float32Array,
  side: number,
  width: number,
  height: number,
): Float32Array {
  const columns = sourcePositions(side, width);
  const { before, fraction } = sourcePositions(side, height);
  const stretched = new Float32Array(side * width);
  for (let y = 0; y < side; y++) {
    stretchRow(
      logits.subarray(y * side, (y + 1) * side),
      columns,
      stretched.subarray(y * width, (y + 1) * width),
    );
  }
  const result = new Float32Array(width * height);
  for (let y = 0; y < height; y++) {
    const upper = before[y] * width;
    const lower = Math.min(before[y] + 1, side - 1) * width;
    const share = fraction[y];
    for (let x = 0; x < width; x++) {
      result[y * width + x] = stretched[upper + x] * (1 - share) + stretched[lower + x] * share;
    }
  }
  return result;
}
