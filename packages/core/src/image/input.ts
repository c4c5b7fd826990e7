import type { Sharp } from "sharp";

/** Pixels in memory: rows from the top, samples of a pixel side by side, 8 bits each. */
export interface RawImage {
  /** [height, width, channels] */
  readonly data: Uint8Array | Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
  /** 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha. */
  readonly channels: 1 | 2 | 3 | 4;
}

/**
 * What can be given as a photo: the path of a file, a `file:` URL, the bytes of a file (`Buffer` is a `Uint8Array`),
 * raw pixels, or a sharp pipeline.
 */
export type ImageInput = string | URL | Uint8Array | RawImage | Sharp;
