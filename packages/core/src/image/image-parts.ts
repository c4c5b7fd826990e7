import sharp, { type Metadata, type Sharp } from "sharp";
import { UnSAMError } from "../errors.js";
import { checkLimits, checkPixels, DEFAULT_MAX_PIXELS } from "../limits/index.js";
import { checkSamples, describe, named, pathOf, readHeaderOfFile, toRgb } from "./decode.js";
import { isSrgbProfile } from "./icc.js";
import type { RgbImage } from "./rgb-image.js";

/** Every index of a pixel is a 32-bit integer. */
const MOST_PIXELS = 2 ** 31 - 1;

/** Bytes of pixels that are decoded at once. One part is decoded even if it is larger. */
const BLOCK_BYTES = 64 * 2 ** 20;

/** x0, y0, x1, y1 in pixels, the last two exclusive. */
type Box = readonly [x0: number, y0: number, x1: number, y1: number];

interface Size {
  readonly width: number;
  readonly height: number;
}

export interface PartsOptions {
  /** Images of more pixels are refused (default: 2³¹ − 1, which is also the most). */
  readonly maxPixels?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A part of an image: which of the boxes that were asked for, and its pixels. */
export interface ImagePart {
  readonly index: number;
  readonly image: RgbImage;
}

/**
 * An image file that is decoded part by part, so that memory does not depend on its size. libvips reads a JPEG, PNG or TIFF from
 * the top down and keeps only the rows that it needs. So parts side by side are decoded together, and what lies above
 * them is decoded again and passed over: of an image in ten rows of parts that is five times the image in all. A TIFF in
 * tiles is only read where it is needed.
 */
export class ImageParts {
  /** Of the upright image. */
  readonly width: number;
  readonly height: number;
  readonly #path: string;
  readonly #metadata: Metadata;
  readonly #orientation: Orientation;

  private constructor(path: string, metadata: Metadata) {
    this.#path = path;
    this.#metadata = metadata;
    this.#orientation = ORIENTATIONS[(metadata.orientation ?? 1) - 1] ?? ORIENTATIONS[0];
    const { width, height } = metadata;
    [this.width, this.height] = this.#orientation.swaps ? [height, width] : [width, height];
  }

  /**
   * Looks at the header of a file. Throws `E_BAD_IMAGE` for what is no image or has too many pixels, or where the format
   * makes libvips decode it whole and it is larger than that is done for.
   */
  static async open(input: string | URL, { maxPixels, signal }: PartsOptions = {}): Promise<ImageParts> {
    checkLimits({ maxPixels });
    if (typeof input !== "string" && !(input instanceof URL)) {
      throw new UnSAMError(
        "E_BAD_IMAGE",
        `An image that is read in parts is a file: its path or file: URL, not ${describe(input)}.`,
      );
    }
    const path = input instanceof URL ? pathOf(input) : input;
    const metadata = await readHeaderOfFile(path, { signal });
    const name = named(path);
    checkSamples(metadata, name);
    const { width, height } = metadata;
    checkPixels(name, { width, height }, Math.min(maxPixels ?? MOST_PIXELS, MOST_PIXELS), "E_BAD_IMAGE");
    const whole = decodedWhole(metadata);
    if (whole !== null && width * height > DEFAULT_MAX_PIXELS) {
      throw new UnSAMError(
        "E_BAD_IMAGE",
        `${name} has ${width}×${height} pixels and is ${whole}, which can only be decoded whole; convert it to a TIFF in tiles, or to a PNG or JPEG that is not interlaced.`,
      );
    }
    return new ImageParts(path, metadata);
  }

  /**
   * Parts of the image at a size, its own or a smaller one; `boxes` are in pixels of that size. They come in the order in
   * which the file holds them. Throws `E_BAD_IMAGE`, naming the place, or the signal's reason.
   */
  async *read(
    size: Size,
    boxes: readonly Box[],
    signal?: AbortSignal,
  ): AsyncGenerator<ImagePart, void, undefined> {
    const stored = this.#orientation.swaps ? { width: size.height, height: size.width } : size;
    const placed = boxes.map((box, index) => ({ index, box: this.#orientation.stored(box, stored) }));
    placed.sort((a, b) => a.box[1] - b.box[1] || a.box[0] - b.box[0]);
    // A block of its own frame each: none is held while the next one is decoded.
    for (const block of blocksOf(placed)) yield* this.#partsOf(block, stored, signal);
  }

  /** Parts that are decoded together. */
  async *#partsOf(
    block: readonly (Omit<ImagePart, "image"> & { readonly box: Box })[],
    size: Size,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<ImagePart, void, undefined> {
    signal?.throwIfAborted();
    const around = block.map(({ box }) => box).reduce(union);
    const pixels = await this.#decode(size, around, signal);
    for (const { index, box } of block) {
      signal?.throwIfAborted();
      yield { index, image: await this.#cut(pixels, around, box, signal) };
    }
  }

  /** A box of the stored image at a size. */
  #decode(size: Size, box: Box, signal: AbortSignal | undefined): Promise<RgbImage> {
    const { width, height, icc } = this.#metadata;
    const input = sharp(this.#path, {
      failOn: "error",
      unlimited: false,
      // The size was checked; it is not decoded whole.
      limitInputPixels: false,
      sequentialRead: true,
      ignoreIcc: icc !== undefined && isSrgbProfile(icc),
    });
    const shrunk =
      size.width === width && size.height === height
        ? input
        : input.resize(size.width, size.height, { fit: "fill", kernel: "linear" });
    const rows = (y: number) => Math.round((y * height) / size.height);
    const place = `${named(this.#path)}, in rows ${rows(box[1])} to ${rows(box[3]) - 1},`;
    return toRgb(shrunk.extract(region(box, [0, 0, 0, 0])), place, signal).finally(forgetOperations);
  }

  /** A part of pixels that were decoded, upright. */
  async #cut(block: RgbImage, around: Box, box: Box, signal: AbortSignal | undefined): Promise<RgbImage> {
    const cut = await copyOf(block, region(box, around));
    if (this.#orientation === ORIENTATIONS[0]) return cut;
    const { data, width, height } = cut;
    const pixels = sharp(data, { raw: { width, height, channels: 3 }, limitInputPixels: false });
    return toRgb(this.#orientation.upright(pixels), named(this.#path), signal);
  }
}

/**
 * libvips remembers its last hundred operations, and each that reads a file holds it mapped: after as many blocks the same file
 * would be in memory a hundred times. Whoever else uses sharp in this process works on, and only computes again.
 */
function forgetOperations(): void {
  const { items } = sharp.cache();
  sharp.cache({ items: 0 });
  sharp.cache({ items: items.max });
}

/** Copied before other work of the thread has its turn. */
const BYTES_A_TURN = 4 * 2 ** 20;

/**
 * A part of an image in memory of its own. V8 does not know how large buffers of sharp are; these it does, and so it collects
 * in time the blocks that were decoded before.
 */
async function copyOf({ data, width }: RgbImage, part: ReturnType<typeof region>): Promise<RgbImage> {
  const out = new Uint8Array(3 * part.width * part.height);
  let turn = 0;
  for (let y = 0; y < part.height; y++) {
    const start = 3 * ((part.top + y) * width + part.left);
    out.set(data.subarray(start, start + 3 * part.width), 3 * y * part.width);
    turn += 3 * part.width;
    if (turn < BYTES_A_TURN) continue;
    turn = 0;
    await new Promise(setImmediate);
  }
  return { data: out, width: part.width, height: part.height };
}

function region(box: Box, [x, y]: Box) {
  return { left: box[0] - x, top: box[1] - y, width: box[2] - box[0], height: box[3] - box[1] };
}

function union(a: Box, b: Box): Box {
  return [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[2], b[2]), Math.max(a[3], b[3])];
}

/** Parts that are decoded together: as many one after the other as fit, those of one row first. */
function blocksOf<Part extends { readonly box: Box }>(parts: readonly Part[]): Part[][] {
  const fits = ([x0, y0, x1, y1]: Box) => 3 * (x1 - x0) * (y1 - y0) <= BLOCK_BYTES;
  const merged = (lists: readonly Part[][]) => {
    const blocks: { parts: Part[]; box: Box }[] = [];
    for (const list of lists) {
      const box = list.map((part) => part.box).reduce(union);
      const last = blocks.at(-1);
      if (last && fits(union(last.box, box))) {
        last.parts.push(...list);
        last.box = union(last.box, box);
      } else blocks.push({ parts: [...list], box });
    }
    return blocks.map(({ parts }) => parts);
  };
  const rows = new Map<number, Part[]>();
  for (const part of parts) {
    const row = rows.get(part.box[1]);
    if (row) row.push(part);
    else rows.set(part.box[1], [part]);
  }
  // A row of parts that does not fit as a whole stays in pieces; rows that do may go together.
  const inRows = [...rows.values()].map((row) => merged(row.map((part) => [part])));
  const blocks: Part[][] = [];
  let whole: Part[][] = [];
  for (const pieces of inRows) {
    if (pieces.length === 1) {
      whole.push(pieces[0]);
      continue;
    }
    blocks.push(...merged(whole), ...pieces);
    whole = [];
  }
  blocks.push(...merged(whole));
  return blocks;
}

/** Why libvips decodes an image whole before it gives any of it; null: it does not. */
function decodedWhole({ format, isProgressive }: Metadata): string | null {
  if (format !== "jpeg" && format !== "png" && format !== "tiff") return `in the format ${format}`;
  if (!isProgressive) return null;
  return format === "png" ? "an interlaced PNG" : `a progressive ${format.toUpperCase()}`;
}

/** How a stored image becomes the upright one, for one value of EXIF's tag 0x0112. */
interface Orientation {
  /** Width and height change places. */
  readonly swaps: boolean;
  /** Where a box of the upright image lies in the stored one, which has this size. */
  stored(box: Box, size: Size): Box;
  upright(pixels: Sharp): Sharp;
}

/** Of the values 1 to 8: whether the stored image is first mirrored left to right, then how far it is turned clockwise. */
const ORIENTATIONS: readonly Orientation[] = [
  orientation(false, 0),
  orientation(true, 0),
  orientation(false, 180),
  orientation(true, 180),
  orientation(true, 270),
  orientation(false, 90),
  orientation(true, 90),
  orientation(false, 270),
];

function orientation(mirrors: boolean, angle: 0 | 90 | 180 | 270): Orientation {
  const swaps = angle === 90 || angle === 270;
  return {
    swaps,
    stored([x0, y0, x1, y1], { width, height }) {
      let box: Box = [x0, y0, x1, y1];
      if (angle === 90) box = [y0, height - x1, y1, height - x0];
      else if (angle === 180) box = [width - x1, height - y1, width - x0, height - y0];
      else if (angle === 270) box = [width - y1, x0, width - y0, x1];
      return mirrors ? [width - box[2], box[1], width - box[0], box[3]] : box;
    },
    upright(pixels) {
      if (angle === 0) return mirrors ? pixels.flop() : pixels;
      // sharp mirrors before it turns, in whichever order it is told.
      return mirrors ? pixels.flop().rotate(angle) : pixels.rotate(angle);
    },
  };
}
