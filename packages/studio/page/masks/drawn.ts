import { type Bitmap, bitmapOf, edgesOf } from "./bitmap.ts";

/** What a mask is drawn from. */
export interface MaskSource {
  readonly counts: string;
  readonly bbox: { readonly x: number; readonly y: number; readonly width: number; readonly height: number };
}

/** A mask made ready to be drawn in any colour, many times a second. */
export class DrawnMask {
  readonly bitmap: Bitmap;
  #outline: Path2D | undefined;
  readonly #tints = new Map<string, HTMLCanvasElement>();

  constructor(source: MaskSource, size: { readonly width: number; readonly height: number }, step: number) {
    this.bitmap = bitmapOf(source.counts, source.bbox, size, step);
  }

  /** Its borders, in sampled pixels of the photo. */
  get outline(): Path2D {
    if (!this.#outline) {
      const path = new Path2D();
      const lines = edgesOf(this.bitmap);
      for (let k = 0; k < lines.length; k += 4) {
        path.moveTo(lines[k], lines[k + 1]);
        path.lineTo(lines[k + 2], lines[k + 3]);
      }
      this.#outline = path;
    }
    return this.#outline;
  }

  /** Its pixels in one colour ("#rrggbb"), to be laid at (bitmap.x, bitmap.y). */
  tint(colour: string): HTMLCanvasElement {
    const known = this.#tints.get(colour);
    if (known) return known;
    const { width, height, pixels } = this.bitmap;
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, width);
    canvas.height = Math.max(1, height);
    const context = canvas.getContext("2d")!;
    const image = context.createImageData(canvas.width, canvas.height);
    const words = new Uint32Array(image.data.buffer);
    const value = Number.parseInt(colour.slice(1), 16);
    const word = ((255 << 24) | ((value & 255) << 16) | (value & 0xff00) | (value >> 16)) >>> 0;
    for (let at = 0; at < pixels.length; at++) if (pixels[at] === 1) words[at] = word;
    context.putImageData(image, 0, 0);
    this.#tints.set(colour, canvas);
    return canvas;
  }
}

/** The latest masks that were drawn; a slider goes back and forth between a few. */
export class DrawnMasks {
  readonly #size: { readonly width: number; readonly height: number };
  readonly #step: number;
  readonly #masks = new Map<string, DrawnMask>();
  #bytes = 0;

  constructor(size: { readonly width: number; readonly height: number }, step: number) {
    this.#size = size;
    this.#step = step;
  }

  of(source: MaskSource): DrawnMask {
    const known = this.#masks.get(source.counts);
    if (known) {
      // The latest used one is the last to go.
      this.#masks.delete(source.counts);
      this.#masks.set(source.counts, known);
      return known;
    }
    const drawn = new DrawnMask(source, this.#size, this.#step);
    this.#masks.set(source.counts, drawn);
    this.#bytes += bytesOf(drawn);
    for (const [key, oldest] of this.#masks) {
      if (this.#bytes <= MOST_BYTES || oldest === drawn) break;
      this.#masks.delete(key);
      this.#bytes -= bytesOf(oldest);
    }
    return drawn;
  }
}

const MOST_BYTES = 256 * 2 ** 20;

/** Its pixels, and its picture in one colour. */
function bytesOf({ bitmap }: DrawnMask): number {
  return 5 * bitmap.pixels.length;
}
