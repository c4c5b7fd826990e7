import type { RgbImage } from "../image/index.js";
import type { Superpixels } from "./superpixels.js";

/** Colour differences (RGB, 0…255) beyond this make a candidate pixel count little. */
const COLOUR_SIGMA = 14;
/** The floor keeps position in charge where no candidate resembles the pixel. */
const LEAST_LIKENESS = 1e-3;
/** Votes that differ by less than this share could be told apart otherwise by the rounding of their parts. */
const SURE = 1e-9;

/** How much a colour at a squared distance counts: of whole numbers, so there are not many. */
const LIKENESS = Float64Array.from({ length: 3 * 255 ** 2 + 1 }, (_, squared) => {
  return Math.exp(-squared * (1 / (2 * COLOUR_SIGMA * COLOUR_SIGMA))) + LEAST_LIKENESS;
});

/**
 * Carries superpixels of the working image to full resolution. Inside a region the answer is plain; near a border
 * each full-resolution pixel joins the region whose working pixels around it (3 × 3) are closest in position and
 * colour, so borders follow the full-resolution image. Where the working image is the smaller one every region
 * keeps at least one pixel; where it is the larger one regions of few pixels may get none.
 * Returns the region of each pixel, [image.height, image.width], in an array of its own.
 */
export function carryToFullResolution(regions: Superpixels, working: RgbImage, image: RgbImage): Int32Array {
  const { labels, markers } = regions;
  const { width, height } = image;
  if (working === image || (working.width === width && working.height === height)) return labels.slice();
  const out = new Int32Array(width * height);
  const plain = uniformNeighbourhoods(labels, working.width, working.height);
  const across = nearestCells(width, working.width);
  const down = nearestCells(height, working.height);
  const border = new BorderVotes(labels, working, image, across, down);
  for (let y = 0; y < height; y++) {
    const row = down.cell[y] * working.width;
    // Pixels in a row with the same working pixel in the middle have the same candidates.
    for (let x = 0, end = 0; x < width; x = end) {
      const middle = across.cell[x];
      while (end < width && across.cell[end] === middle) end++;
      if (plain[row + middle]) out.fill(labels[row + middle], y * width + x, y * width + end);
      else border.decide(out, y, x, end);
    }
  }
  if (working.width > width || working.height > height) return out;
  markers.forEach((marker, region) => {
    const my = Math.floor(marker / working.width);
    const mx = marker - my * working.width;
    const y = Math.min(height - 1, Math.floor((my + 0.5) / (working.height / height)));
    const x = Math.min(width - 1, Math.floor((mx + 0.5) / (working.width / width)));
    out[y * width + x] = region;
  });
  return out;
}

/** Along one side of the image: where its pixels lie among those of the working image. */
interface NearestCells {
  /** Place in the working image, in its pixels. */
  readonly place: Float64Array;
  /** The pixel there. */
  readonly cell: Int32Array;
  /** exp(−d²) for the distances to the pixel before it, to itself and to the one behind it, [length, 3]. */
  readonly nearness: Float64Array;
}

function nearestCells(length: number, cells: number): NearestCells {
  const step = cells / length;
  const place = Float64Array.from({ length }, (_, at) => (at + 0.5) * step - 0.5);
  const cell = Int32Array.from(place, (at) => Math.min(cells - 1, Math.max(0, Math.round(at))));
  const nearness = Float64Array.from({ length: 3 * length }, (_, k) => {
    const at = Math.floor(k / 3);
    return Math.exp(-((place[at] - (cell[at] - 1 + (k % 3))) ** 2));
  });
  return { place, cell, nearness };
}

/** Near borders: which region of those around a pixel gets most votes. */
class BorderVotes {
  readonly #labels: Int32Array;
  readonly #working: RgbImage;
  readonly #image: RgbImage;
  readonly #across: NearestCells;
  readonly #down: NearestCells;
  /** Of the working pixels around: which they are, their places in the 3 × 3, and which candidate is theirs. */
  readonly #cells = new Int32Array(9);
  readonly #columns = new Int32Array(9);
  readonly #rows = new Int32Array(9);
  readonly #candidateOf = new Int32Array(9);
  readonly #candidates = new Int32Array(9);
  readonly #votes = new Float64Array(9);
  readonly #near = new Float64Array(9);
  #count = 0;
  #known = 0;

  constructor(
    labels: Int32Array,
    working: RgbImage,
    image: RgbImage,
    across: NearestCells,
    down: NearestCells,
  ) {
    this.#labels = labels;
    this.#working = working;
    this.#image = image;
    this.#across = across;
    this.#down = down;
  }

  /** Writes the regions of the pixels from `from` to before `to` of row `y`, whose working pixel is the same. */
  decide(out: Int32Array, y: number, from: number, to: number): void {
    this.#lookAround(this.#across.cell[from], this.#down.cell[y]);
    const { data: colours } = this.#working;
    const { data, width } = this.#image;
    const [cells, columns, candidateOf, votes] = [this.#cells, this.#columns, this.#candidateOf, this.#votes];
    const [count, known] = [this.#count, this.#known];
    const { nearness } = this.#across;
    const nearRows = this.#nearRows(y);
    for (let x = from; x < to; x++) {
      const p = 3 * (y * width + x);
      const [r, g, b] = [data[p], data[p + 1], data[p + 2]];
      for (let c = 0; c < known; c++) votes[c] = 0;
      for (let k = 0; k < count; k++) {
        const s = 3 * cells[k];
        const [dr, dg, db] = [r - colours[s], g - colours[s + 1], b - colours[s + 2]];
        const near = nearness[3 * x + columns[k]] * nearRows[k];
        votes[candidateOf[k]] += near * LIKENESS[dr * dr + dg * dg + db * db];
      }
      let best = 0;
      let second = 0;
      for (let c = 1; c < known; c++) {
        if (votes[c] > votes[best]) {
          second = votes[best];
          best = c;
        } else if (votes[c] > second) second = votes[c];
      }
      const isSure = votes[best] - second > SURE * votes[best];
      out[y * width + x] = this.#candidates[isSure ? best : this.#exactly(x, y)];
    }
  }

  /** exp(−d²) along the column, for each working pixel around. */
  #nearRows(y: number): Float64Array {
    for (let k = 0; k < this.#count; k++) this.#near[k] = this.#down.nearness[3 * y + this.#rows[k]];
    return this.#near;
  }

  #lookAround(cx: number, cy: number): void {
    const { width, height } = this.#working;
    this.#count = 0;
    this.#known = 0;
    for (let sy = Math.max(0, cy - 1); sy <= Math.min(height - 1, cy + 1); sy++) {
      for (let sx = Math.max(0, cx - 1); sx <= Math.min(width - 1, cx + 1); sx++) {
        const k = this.#count++;
        const label = this.#labels[sy * width + sx];
        this.#cells[k] = sy * width + sx;
        this.#columns[k] = sx - cx + 1;
        this.#rows[k] = sy - cy + 1;
        let c = 0;
        while (c < this.#known && this.#candidates[c] !== label) c++;
        if (c === this.#known) this.#candidates[this.#known++] = label;
        this.#candidateOf[k] = c;
      }
    }
  }

  /** The same with exp of the whole distance, which decides where two are as good as equal. */
  #exactly(x: number, y: number): number {
    const { data: colours } = this.#working;
    const { data, width } = this.#image;
    const p = 3 * (y * width + x);
    const votes = this.#votes.fill(0);
    for (let k = 0; k < this.#count; k++) {
      const s = 3 * this.#cells[k];
      const dr = data[p] - colours[s];
      const dg = data[p + 1] - colours[s + 1];
      const db = data[p + 2] - colours[s + 2];
      const du = this.#across.place[x] - (this.#across.cell[x] - 1 + this.#columns[k]);
      const dv = this.#down.place[y] - (this.#down.cell[y] - 1 + this.#rows[k]);
      votes[this.#candidateOf[k]] += Math.exp(-(du * du + dv * dv)) * LIKENESS[dr * dr + dg * dg + db * db];
    }
    let best = 0;
    for (let c = 1; c < this.#known; c++) if (votes[c] > votes[best]) best = c;
    return best;
  }
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
