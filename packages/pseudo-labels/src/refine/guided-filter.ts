/**
 * Guided filter (He, Sun & Tang 2013, algorithm 1) of `input` by a grey guide, both [height, width]: in every window of
 * (2 · radius + 1)² pixels the output is linear in the guide, so borders of the input move to those of the guide.
 * Windows are cut at the edge of the image. `epsilon`: the guide's variance below which a window counts as flat.
 * O(pixels), whatever the radius.
 */
export function guidedFilter(
  input: Float32Array,
  guide: Float32Array,
  width: number,
  height: number,
  { radius, epsilon }: { readonly radius: number; readonly epsilon: number },
): Float32Array {
  const mean = (plane: Float64Array | Float32Array) => boxMean(plane, width, height, radius);
  const meanGuide = mean(guide);
  const meanInput = mean(input);
  const count = width * height;
  const product = new Float64Array(count);
  for (let i = 0; i < count; i++) product[i] = guide[i] * input[i];
  const slope = mean(product);
  for (let i = 0; i < count; i++) product[i] = guide[i] * guide[i];
  const square = mean(product);
  const offset = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const variance = Math.max(0, square[i] - meanGuide[i] * meanGuide[i]);
    slope[i] = (slope[i] - meanGuide[i] * meanInput[i]) / (variance + epsilon);
    offset[i] = meanInput[i] - slope[i] * meanGuide[i];
  }
  const meanSlope = mean(slope);
  const meanOffset = mean(offset);
  return guide.map((value, i) => meanSlope[i] * value + meanOffset[i]);
}

/** Mean over the pixels of the window that lie in the image, by running sums: rows, then columns. */
function boxMean(
  plane: Float64Array | Float32Array,
  width: number,
  height: number,
  radius: number,
): Float64Array {
  const rows = new Float64Array(width * height);
  for (let y = 0; y < height; y++) {
    const row = y * width;
    let sum = 0;
    for (let x = 0; x < Math.min(radius, width); x++) sum += plane[row + x];
    for (let x = 0; x < width; x++) {
      if (x + radius < width) sum += plane[row + x + radius];
      if (x - radius - 1 >= 0) sum -= plane[row + x - radius - 1];
      rows[row + x] = sum / (Math.min(width - 1, x + radius) - Math.max(0, x - radius) + 1);
    }
  }
  const out = new Float64Array(width * height);
  const sums = new Float64Array(width);
  for (let y = 0; y < Math.min(radius, height); y++) {
    for (let x = 0; x < width; x++) sums[x] += rows[y * width + x];
  }
  for (let y = 0; y < height; y++) {
    const enter = (y + radius) * width;
    const leave = (y - radius - 1) * width;
    const size = Math.min(height - 1, y + radius) - Math.max(0, y - radius) + 1;
    for (let x = 0; x < width; x++) {
      if (y + radius < height) sums[x] += rows[enter + x];
      if (y - radius - 1 >= 0) sums[x] -= rows[leave + x];
      out[y * width + x] = sums[x] / size;
    }
  }
  return out;
}
