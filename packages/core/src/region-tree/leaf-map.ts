import type { RgbImage } from "../image/index.js";
import type { Superpixels } from "./superpixels.js";

/** Colour differences (RGB, 0…255) beyond this make a candidate pixel count little. */
const COLOUR_SIGMA = 14;

/**
 * Carries superpixels of the working image to full resolution. Inside a region the answer is plain; near a border
 * each full-resolution pixel joins the region whose working pixels around it (3 × 3) are closest in position and
 * colour, so borders follow the full-resolution image. Where the working image is the smaller one every region
 * keeps at least one pixel; where it is the larger one regions of few pixels may get none.
 * Returns the region of each pixel, [image.height, image.width].
 */
export function carryToFullResolution(regions: Superpixels, working: RgbImage, image: RgbImage): Int32Array {
  const { labels, markers } = regions;
  const { width, height, data } = image;
  if (working === image || (working.width === width && working.height === height)) return labels.slice();
  const out = new Int32Array(width * height);
  const stepX = working.width / width;
  const stepY = working.height / height;
  const plain = uniformNeighbourhoods(labels, working.width, working.height);
  const candidates = new Int32Array(9);
  const votes = new Float64Array(9);
  const colourScale = 1 / (2 * COLOUR_SIGMA * COLOUR_SIGMA);
  for (let y = 0; y < height; y++) {
    const v = (y + 0.5) * stepY - 0.5;
    const cy = Math.min(working.height - 1, Math.max(0, Math.round(v)));
    for (let x = 0; x < width; x++) {
      const u = (x + 0.5) * stepX - 0.5;
      const cx = Math.min(working.width - 1, Math.max(0, Math.round(u)));
      const centre = cy * working.width + cx;
      if (plain[centre]) {
        out[y * width + x] = labels[centre];
        continue;
      }
      const p = (y * width + x) * 3;
      let known = 0;
      for (let sy = Math.max(0, cy - 1); sy <= Math.min(working.height - 1, cy + 1); sy++) {
        for (let sx = Math.max(0, cx - 1); sx <= Math.min(working.width - 1, cx + 1); sx++) {
          const s = sy * working.width + sx;
          const dr = data[p] - working.data[3 * s];
          const dg = data[p + 1] - working.data[3 * s + 1];
          const db = data[p + 2] - working.data[3 * s + 2];
          const distance = (u - sx) * (u - sx) + (v - sy) * (v - sy);
          // The floor keeps position in charge where no candidate resembles the pixel.
          const likeness = Math.exp(-(dr * dr + dg * dg + db * db) * colourScale) + 1e-3;
          const vote = Math.exp(-distance) * likeness;
          let c = 0;
          while (c < known && candidates[c] !== labels[s]) c++;
          if (c === known) {
            candidates[known++] = labels[s];
            votes[c] = 0;
          }
          votes[c] += vote;
        }
      }
      let best = 0;
      for (let c = 1; c < known; c++) if (votes[c] > votes[best]) best = c;
      out[y * width + x] = candidates[best];
    }
  }
  if (working.width > width || working.height > height) return out;
  markers.forEach((marker, region) => {
    const my = Math.floor(marker / working.width);
    const mx = marker - my * working.width;
    const y = Math.min(height - 1, Math.floor((my + 0.5) / stepY));
    const x = Math.min(width - 1, Math.floor((mx + 0.5) / stepX));
    out[y * width + x] = region;
  });
  return out;
}

/** 1 where a pixel and its eight neighbours belong to one region. */
function uniformNeighbourhoods(labels: Int32Array, width: number, height: number): Uint8Array {
  const plain = new Uint8Array(labels.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const label = labels[y * width + x];
      let same = 1;
      for (let sy = Math.max(0, y - 1); same && sy <= Math.min(height - 1, y + 1); sy++) {
        for (let sx = Math.max(0, x - 1); sx <= Math.min(width - 1, x + 1); sx++) {
          if (labels[sy * width + sx] !== label) {
            same = 0;
            break;
          }
        }
      }
      plain[y * width + x] = same;
    }
  }
  return plain;
}
