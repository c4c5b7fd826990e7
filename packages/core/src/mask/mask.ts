/**
 * A binary mask, one bit a pixel. Rows follow each other without padding: pixel (x, y) is bit `(y·width + x) % 32`
 * of word `(y·width + x) >> 5`, lowest bit first; bits beyond the last pixel are 0. Immutable.
 */
export class Mask {
  readonly width: number;
  readonly height: number;
  readonly words: Uint32Array;

  constructor(width: number, height: number, words: Uint32Array) {
    this.width = width;
    this.height = height;
    this.words = words;
  }
}
