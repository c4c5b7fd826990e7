import { UnSAMError } from "../errors.js";
import { Budget, checkLimits, checkPixels, type Limits, maskBytes } from "../limits/index.js";
import { checkKeys } from "../options.js";
import { countBits, countCommonBits, lastWordMask, packBytes, unpackBytes, wordsPerRow } from "./bits.js";
import { type BoundingBox, boundingBox } from "./bounding-box.js";
import { checkMaskSize } from "./mask-size.js";
import { decodeMaskPNG, encodeMaskPNG } from "./png.js";
import { type Polygon, tracePolygons } from "./polygons.js";
import { rasterisePolygons } from "./rasterise.js";
import { checkRLE, encodeRLE, fillRLE, type RLE } from "./rle.js";

/** What a mask that is read may take: a short text can name any size. */
export interface MaskLimits extends Pick<Limits, "maxPixels" | "maxBytes"> {
  /** Counts this mask with the others of its file, in place of `maxBytes` for it alone. */
  readonly budget?: Budget | undefined;
}

/**
 * A binary mask, one bit a pixel, every row padded to whole 32-bit words: with `stride = ceil(width / 32)`, pixel
 * (x, y) is bit `x % 32` of word `y·stride + (x >> 5)`, lowest bit first; padding bits are 0.
 *
 * Immutable: area and box are computed once, so whoever writes into `words` breaks the mask. `words` is kept, not
 * copied.
 */
export class Mask {
  readonly width: number;
  readonly height: number;
  /** [height · stride] */
  readonly words: Uint32Array;
  /** Words in a row. */
  readonly stride: number;
  #area: number | undefined;
  #box: BoundingBox | undefined;

  /** Throws `E_BAD_PROMPT` where the size is impossible or `words` does not have the layout above. */
  constructor(width: number, height: number, words: Uint32Array) {
    checkMaskSize(width, height);
    this.width = width;
    this.height = height;
    this.words = words;
    this.stride = wordsPerRow(width);
    if (words.length !== this.stride * height) {
      throw new UnSAMError(
        "E_BAD_PROMPT",
        `A mask of ${width}×${height} pixels takes ${this.stride * height} words, not ${words.length}.`,
      );
    }
    const padding = ~lastWordMask(width);
    for (let i = this.stride - 1; padding !== 0 && i < words.length; i += this.stride) {
      if ((words[i] & padding) !== 0) {
        throw new UnSAMError(
          "E_BAD_PROMPT",
          `The mask has bits set beyond its width of ${width} pixels; clear them.`,
        );
      }
    }
  }

  /** From one number a pixel, row by row: non-zero is foreground. Copies. Throws `E_BAD_PROMPT`. */
  static fromBytes(width: number, height: number, bytes: ArrayLike<number>): Mask {
    checkMaskSize(width, height);
    if (bytes.length !== width * height) {
      throw new UnSAMError(
        "E_BAD_PROMPT",
        `A mask of ${width}×${height} pixels takes ${width * height} values, not ${bytes.length}.`,
      );
    }
    return new Mask(width, height, packBytes(width, height, bytes));
  }

  /** From COCO's run-length encoding, compressed or not. Throws `E_BAD_FILE` where it is malformed or too large. */
  static fromRLE(rle: RLE, limits: MaskLimits = {}): Mask {
    const budget = budgetOf(limits, "An RLE");
    const checked = checkRLE(rle, limits.maxPixels);
    const { width, height } = checked;
    budget.take(maskBytes(width, height));
    return new Mask(width, height, fillRLE(checked));
  }

  /**
   * The pixels whose centres lie in any of the polygons. Throws `E_BAD_FILE` where one is malformed, or where together
   * they are too large.
   */
  static fromPolygons(
    width: number,
    height: number,
    polygons: readonly Polygon[],
    limits: MaskLimits = {},
  ): Mask {
    const budget = budgetOf(limits, "A mask of polygons");
    checkMaskSize(width, height);
    checkPixels("A mask of polygons", { width, height }, limits.maxPixels);
    return new Mask(width, height, rasterisePolygons(polygons, width, height, budget));
  }

  /** From the bytes of a PNG of up to 8 bits a sample: whatever is not black is foreground. Throws `E_BAD_FILE`. */
  static async fromPNG(bytes: Uint8Array, limits: MaskLimits = {}): Promise<Mask> {
    const { width, height, words } = await decodeMaskPNG(
      bytes,
      limits.maxPixels,
      budgetOf(limits, "The mask image"),
    );
    return new Mask(width, height, words);
  }

  /** COCO's run-length encoding; compressed (as `pycocotools` reads it) unless told otherwise. */
  toRLE({ compressed = true }: { compressed?: boolean } = {}): RLE {
    return encodeRLE(this.words, this.width, this.height, compressed);
  }

  /** Exact outlines along pixel edges, one polygon with its holes per 4-connected region. */
  toPolygons(): Polygon[] {
    return tracePolygons(this.words, this.width, this.height);
  }

  /** An 8-bit grey PNG: 255 foreground, 0 background. */
  toPNG(): Promise<Buffer> {
    return encodeMaskPNG(this.words, this.width, this.height);
  }

  /** One byte a pixel, row by row: `value` for foreground, 0 for background. */
  toBytes(value = 1): Uint8Array {
    return unpackBytes(this.width, this.height, this.words, value);
  }

  /** Number of foreground pixels. */
  get area(): number {
    this.#area ??= countBits(this.words);
    return this.#area;
  }

  /** The smallest box around the foreground, in pixels; 0 wide and high for an empty mask. */
  get bbox(): BoundingBox {
    this.#box ??= boundingBox(this.width, this.height, this.words);
    return this.#box;
  }

  /** Whether the pixel that holds the point (x, y) is foreground; false outside the image. */
  has(x: number, y: number): boolean {
    if (!(x >= 0 && y >= 0 && x < this.width && y < this.height)) return false;
    const column = Math.floor(x);
    return ((this.words[Math.floor(y) * this.stride + (column >> 5)] >>> (column & 31)) & 1) === 1;
  }

  /** Number of pixels in both masks. Throws `E_BAD_PROMPT` if their sizes differ. */
  intersection(other: Mask): number {
    this.#sameSize(other);
    return countCommonBits(this.words, other.words);
  }

  /** Intersection over union, 1 for two empty masks. Throws `E_BAD_PROMPT` if their sizes differ. */
  iou(other: Mask): number {
    if (other === this) return 1;
    const common = this.intersection(other);
    const union = this.area + other.area - common;
    return union === 0 ? 1 : common / union;
  }

  /** Whether every pixel of `other` is in this mask. Throws `E_BAD_PROMPT` if their sizes differ. */
  contains(other: Mask): boolean {
    this.#sameSize(other);
    return other.words.every((word, i) => (word & ~this.words[i]) === 0);
  }

  /** Whether both masks have the same size and the same pixels. */
  equals(other: Mask): boolean {
    return (
      this.width === other.width &&
      this.height === other.height &&
      this.words.every((word, i) => word === other.words[i])
    );
  }

  #sameSize(other: Mask): void {
    if (this.width === other.width && this.height === other.height) return;
    throw new UnSAMError(
      "E_BAD_PROMPT",
      `Masks can only be compared at one size; these are ${this.width}×${this.height} and ${other.width}×${other.height}.`,
    );
  }
}

function budgetOf(limits: MaskLimits, name: string): Budget {
  checkKeys(limits, ["maxPixels", "maxBytes", "budget"], name);
  checkLimits(limits);
  return limits.budget ?? new Budget(name, limits.maxBytes);
}
