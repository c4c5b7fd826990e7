/** An upright 8-bit sRGB photo: EXIF orientation applied, alpha gone. */
export interface RgbImage {
  /** [height, width, 3], row-major. */
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}
