import { boundariesAt, type FusedMap } from "@unsam/core/fusion";
import { toPNG } from "@unsam/core/image";
import sharp from "sharp";
import type { SceneMask } from "./scene-mask.js";

/** Who owns each pixel at one granularity. */
export class LabelMap {
  readonly width: number;
  readonly height: number;
  readonly granularity: number;
  /** `id + 1` of the owner of each pixel, 0 where no mask is, [height, width]. */
  readonly labels: Int32Array;
  readonly #masks: readonly SceneMask[];

  /** @internal */
  constructor(
    size: { readonly width: number; readonly height: number },
    granularity: number,
    labels: Int32Array,
    masks: readonly SceneMask[],
  ) {
    this.width = size.width;
    this.height = size.height;
    this.granularity = granularity;
    this.labels = labels;
    this.#masks = masks;
  }

  /** The mask that owns the pixel that holds (x, y); null where no mask is, or outside. */
  owner(x: number, y: number): SceneMask | null {
    if (!(x >= 0 && y >= 0 && x < this.width && y < this.height)) return null;
    const label = this.labels[Math.floor(y) * this.width + Math.floor(x)];
    return label === 0 ? null : this.#masks[label - 1];
  }

  /** All owners, by `id`. */
  get owners(): SceneMask[] {
    const seen = new Uint8Array(this.#masks.length + 1);
    for (const label of this.labels) seen[label] = 1;
    return this.#masks.filter(({ id }) => seen[id + 1] === 1);
  }

  /** A grey PNG of 16 bits: the labels. */
  toPNG(): Promise<Buffer> {
    return greyPNG(Uint16Array.from(this.labels), this.width, this.height);
  }
}

/**
 * The label maps of all granularities in one: for each edge between two pixels the granularity, in steps of 1/65534, below which
 * it separates two owners; 0: never, 65535: always. An ultrametric contour map (Arbeláez et al. 2011, section 4.2).
 */
export class SceneContours {
  readonly width: number;
  readonly height: number;
  /** Edge between (x, y) and (x + 1, y), [height, width]; the last column is 0. */
  readonly right: Uint16Array;
  /** Edge between (x, y) and (x, y + 1), [height, width]; the last row is 0. */
  readonly below: Uint16Array;

  /** @internal */
  constructor({ width, height, right, below }: FusedMap) {
    this.width = width;
    this.height = height;
    this.right = right;
    this.below = below;
  }

  /** One byte an edge: 1 where it separates two owners in `scene.at(granularity)`. Throws `E_BAD_PROMPT`. */
  at(granularity: number): { right: Uint8Array; below: Uint8Array } {
    return boundariesAt(this, granularity);
  }

  /** A picture: a grey PNG of 16 bits, of each pixel the stronger of its edges to the right and below. */
  toPNG(): Promise<Buffer> {
    const grey = Uint16Array.from(this.right, (value, i) => Math.max(value, this.below[i]));
    return greyPNG(grey, this.width, this.height);
  }
}

function greyPNG(data: Uint16Array, width: number, height: number): Promise<Buffer> {
  const picture = sharp(data, { raw: { width, height, channels: 1 }, limitInputPixels: false });
  return toPNG(picture.toColourspace("grey16"));
}
