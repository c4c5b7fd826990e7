import { addPixel, CHANNELS, type Channels, COLOUR_CHANNELS, chiSquare } from "./channels.js";
import { gaussianBlur } from "./gaussian.js";
import type { LabPlanes } from "./lab.js";

export interface BoundaryStrength {
  /** How likely a border runs through each pixel, about 0…1, [height, width]. */
  readonly strength: Float32Array;
  /** Relief whose minima are the markers of the superpixels, [height, width]. */
  readonly relief: Float32Array;
}

/** Window radii of the coarse comparison, in pixels of the half-size grid. */
const RADII = [4, 9];
const TEXTURE_WEIGHT = 0.6;
const DIRECTIONS = [
  [1, 0],
  [Math.SQRT1_2, Math.SQRT1_2],
  [0, 1],
  [-Math.SQRT1_2, Math.SQRT1_2],
];

/** Boundary strength: differences of windows on either side (coarse) and the gradient of Lab (fine). */
export function boundaryStrength(
  lab: LabPlanes,
  channels: Channels,
  width: number,
  height: number,
): BoundaryStrength {
  const fine = fineStrength(lab, width, height);
  const coarse = coarseStrength(channels);
  const count = width * height;
  const strength = new Float32Array(count);
  const mix = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    strength[i] = (2 * coarse[i] + 1.2 * fine[i]) / 2.2;
    mix[i] = (coarse[i] + fine[i]) / 2;
  }
  return { strength, relief: gaussianBlur(mix, width, height, 1.2) };
}

/** Gradient of Lab at σ 1.5 with weights 1, 1.5, 1.5, saturating as g / (g + 6). */
function fineStrength(lab: LabPlanes, width: number, height: number): Float32Array {
  const squares = new Float32Array(width * height);
  const axes: [Float32Array, number][] = [
    [lab.L, 1],
    [lab.a, 1.5],
    [lab.b, 1.5],
  ];
  for (const [axis, weight] of axes) {
    const plane = gaussianBlur(axis, width, height, 1.5);
    const scale = (weight * weight) / 4;
    for (let y = 0; y < height; y++) {
      const row = y * width;
      const above = Math.max(0, y - 1) * width;
      const below = Math.min(height - 1, y + 1) * width;
      for (let x = 0; x < width; x++) {
        const gx = plane[row + Math.min(width - 1, x + 1)] - plane[row + Math.max(0, x - 1)];
        const gy = plane[below + x] - plane[above + x];
        squares[row + x] += scale * (gx * gx + gy * gy);
      }
    }
  }
  return squares.map((square) => {
    const g = Math.sqrt(square);
    return g / (g + 6);
  });
}

/**
 * At half resolution, the χ² difference of the channels between opposite windows: mean over the radii, maximum over
 * four directions, brought back to [height, width].
 */
function coarseStrength(channels: Channels): Float32Array {
  const { width, height } = channels;
  const halfWidth = Math.ceil(width / 2);
  const halfHeight = Math.ceil(height / 2);
  const half = halveChannels(channels, halfWidth, halfHeight);
  const perDirection = DIRECTIONS.map(() => new Float32Array(halfWidth * halfHeight));
  const share = 1 / ((3 + TEXTURE_WEIGHT) * RADII.length);
  for (const radius of RADII) {
    const box = Math.floor(radius / 2);
    const windows = boxMean(half, halfWidth, halfHeight, box);
    const distance = box + 1;
    DIRECTIONS.forEach(([dx, dy], direction) => {
      const result = perDirection[direction];
      const stepX = Math.round(dx * distance);
      const stepY = Math.round(dy * distance);
      for (let y = 0; y < halfHeight; y++) {
        const y0 = Math.min(halfHeight - 1, Math.max(0, y - stepY)) * halfWidth;
        const y1 = Math.min(halfHeight - 1, Math.max(0, y + stepY)) * halfWidth;
        for (let x = 0; x < halfWidth; x++) {
          const p = (y0 + Math.min(halfWidth - 1, Math.max(0, x - stepX))) * CHANNELS;
          const q = (y1 + Math.min(halfWidth - 1, Math.max(0, x + stepX))) * CHANNELS;
          const colour = chiSquare(windows, p, windows, q, 0, COLOUR_CHANNELS);
          const texture = chiSquare(windows, p, windows, q, COLOUR_CHANNELS, CHANNELS);
          result[y * halfWidth + x] += share * (colour + TEXTURE_WEIGHT * texture);
        }
      }
    });
  }
  const strongest = new Float32Array(halfWidth * halfHeight);
  for (let i = 0; i < strongest.length; i++) {
    strongest[i] = Math.max(perDirection[0][i], perDirection[1][i], perDirection[2][i], perDirection[3][i]);
  }
  return doubleSize(strongest, halfWidth, halfHeight, width, height);
}

/** Channels averaged over 2 × 2 pixels, [halfHeight, halfWidth, CHANNELS]. An odd last row or column stands alone. */
function halveChannels(channels: Channels, halfWidth: number, halfHeight: number): Float32Array {
  const { width, height } = channels;
  const half = new Float32Array(halfWidth * halfHeight * CHANNELS);
  for (let y = 0; y < height; y++) {
    const rows = y === height - 1 && height % 2 === 1 ? 1 : 2;
    for (let x = 0; x < width; x++) {
      const columns = x === width - 1 && width % 2 === 1 ? 1 : 2;
      const at = ((y >> 1) * halfWidth + (x >> 1)) * CHANNELS;
      addPixel(channels, y * width + x, 1 / (rows * columns), half, at);
    }
  }
  return half;
}

/** Mean over (2·radius + 1)² pixels of [height, width, CHANNELS], edge pixels repeated outwards. */
function boxMean(planes: Float32Array, width: number, height: number, radius: number): Float32Array {
  const stride = width * CHANNELS;
  const scale = 1 / (2 * radius + 1);
  const rows = new Float32Array(planes.length);
  const sum = new Float64Array(Math.max(stride, CHANNELS));
  for (let y = 0; y < height; y++) {
    const row = y * stride;
    const at = (x: number) => row + Math.min(width - 1, Math.max(0, x)) * CHANNELS;
    sum.fill(0, 0, CHANNELS);
    for (let d = -radius; d <= radius; d++) {
      const from = at(d);
      for (let k = 0; k < CHANNELS; k++) sum[k] += planes[from + k];
    }
    for (let x = 0; x < width; x++) {
      const target = row + x * CHANNELS;
      const enter = at(x + radius + 1);
      const leave = at(x - radius);
      for (let k = 0; k < CHANNELS; k++) {
        // Running sums may fall a rounding error below zero; a share never does.
        rows[target + k] = Math.max(0, sum[k] * scale);
        sum[k] += planes[enter + k] - planes[leave + k];
      }
    }
  }
  const out = new Float32Array(planes.length);
  const at = (y: number) => Math.min(height - 1, Math.max(0, y)) * stride;
  sum.fill(0);
  for (let d = -radius; d <= radius; d++) {
    const from = at(d);
    for (let i = 0; i < stride; i++) sum[i] += rows[from + i];
  }
  for (let y = 0; y < height; y++) {
    const row = y * stride;
    const enter = at(y + radius + 1);
    const leave = at(y - radius);
    for (let i = 0; i < stride; i++) {
      out[row + i] = Math.max(0, sum[i] * scale);
      sum[i] += rows[enter + i] - rows[leave + i];
    }
  }
  return out;
}

/** Bilinear, pixel centres aligned (a half-size pixel covers exactly 2 × 2). */
export function doubleSize(
  plane: Float32Array,
  fromWidth: number,
  fromHeight: number,
  width: number,
  height: number,
): Float32Array {
  const out = new Float32Array(width * height);
  for (let y = 0; y < height; y++) {
    const sy = Math.max(0, (y - 0.5) / 2);
    const y0 = Math.min(fromHeight - 1, Math.floor(sy));
    const y1 = Math.min(fromHeight - 1, y0 + 1);
    const fy = sy - y0;
    for (let x = 0; x < width; x++) {
      const sx = Math.max(0, (x - 0.5) / 2);
      const x0 = Math.min(fromWidth - 1, Math.floor(sx));
      const x1 = Math.min(fromWidth - 1, x0 + 1);
      const fx = sx - x0;
      const top = plane[y0 * fromWidth + x0] * (1 - fx) + plane[y0 * fromWidth + x1] * fx;
      const bottom = plane[y1 * fromWidth + x0] * (1 - fx) + plane[y1 * fromWidth + x1] * fx;
      out[y * width + x] = top * (1 - fy) + bottom * fy;
    }
  }
  return out;
}
