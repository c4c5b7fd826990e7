/**
 * The layout of a bit-packed mask: rows of `ceil(width / 32)` words, pixel (x, y) is bit `x % 32` of word
 * `y·stride + (x >> 5)`, lowest bit first, the bits behind the last pixel of a row are 0.
 */

/** Words in one row. */
export function wordsPerRow(width: number): number {
  return Math.ceil(width / 32);
}

/** The bits of a row's last word that are pixels. */
export function lastWordMask(width: number): number {
  const used = width & 31;
  return used === 0 ? 0xffffffff : (1 << used) - 1;
}

/** Number of set bits of one word (the sum of bits in ever wider fields). */
export function popcount(word: number): number {
  let v = word - ((word >>> 1) & 0x55555555);
  v = (v & 0x33333333) + ((v >>> 2) & 0x33333333);
  return Math.imul((v + (v >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** Number of set bits of all words. */
export function countBits(words: Uint32Array): number {
  let count = 0;
  for (let i = 0; i < words.length; i++) count += popcount(words[i]);
  return count;
}

/** Number of bits set in both; the arrays are equally long. */
export function countCommonBits(a: Uint32Array, b: Uint32Array): number {
  let count = 0;
  for (let i = 0; i < a.length; i++) count += popcount(a[i] & b[i]);
  return count;
}

/** Sets the pixels x0 ≤ x < x1 of the row that starts at word `row`. */
export function setRun(words: Uint32Array, row: number, x0: number, x1: number): void {
  if (x0 >= x1) return;
  const first = row + (x0 >> 5);
  const last = row + ((x1 - 1) >> 5);
  const head = 0xffffffff << (x0 & 31);
  const tail = 0xffffffff >>> (31 - ((x1 - 1) & 31));
  if (first === last) {
    words[first] |= head & tail;
    return;
  }
  words[first] |= head;
  words.fill(0xffffffff, first + 1, last);
  words[last] |= tail;
}

/** Flips the pixels x0 ≤ x < x1 of the row that starts at word `row`. Like `setRun`, written out: both run once for each run of a mask. */
export function flipRun(words: Uint32Array, row: number, x0: number, x1: number): void {
  if (x0 >= x1) return;
  const first = row + (x0 >> 5);
  const last = row + ((x1 - 1) >> 5);
  const head = 0xffffffff << (x0 & 31);
  const tail = 0xffffffff >>> (31 - ((x1 - 1) & 31));
  if (first === last) {
    words[first] ^= head & tail;
    return;
  }
  words[first] ^= head;
  for (let i = first + 1; i < last; i++) words[i] ^= 0xffffffff;
  words[last] ^= tail;
}

/** Packs bytes [height, width], non-zero = set. */
export function packBytes(width: number, height: number, bytes: ArrayLike<number>): Uint32Array {
  const stride = wordsPerRow(width);
  const words = new Uint32Array(stride * height);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x += 32) {
      const end = Math.min(32, width - x);
      let word = 0;
      for (let bit = 0; bit < end; bit++, i++) {
        if (bytes[i] !== 0) word |= 1 << bit;
      }
      words[y * stride + (x >> 5)] = word;
    }
  }
  return words;
}

/** Unpacks to bytes [height, width]: `value` where set, else 0. */
export function unpackBytes(width: number, height: number, words: Uint32Array, value: number): Uint8Array {
  const stride = wordsPerRow(width);
  const bytes = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    const row = y * stride;
    let start = nextSet(words, row, 0, width);
    while (start < width) {
      const end = nextClear(words, row, start, width);
      // `fill` is fast on long runs only.
      if (end - start > 16) bytes.fill(value, y * width + start, y * width + end);
      else for (let x = start; x < end; x++) bytes[y * width + x] = value;
      start = nextSet(words, row, end, width);
    }
  }
  return bytes;
}

/** The first set pixel at or behind column x of the row that starts at word `row`; `width` if there is none. */
export function nextSet(words: Uint32Array, row: number, x: number, width: number): number {
  if (x >= width) return width;
  let word = words[row + (x >> 5)] & (0xffffffff << (x & 31));
  let base = x & ~31;
  while (word === 0) {
    base += 32;
    if (base >= width) return width;
    word = words[row + (base >> 5)];
  }
  return base + lowestBit(word);
}

/** The first clear pixel at or behind column x of the row that starts at word `row`; `width` if there is none. */
export function nextClear(words: Uint32Array, row: number, x: number, width: number): number {
  if (x >= width) return width;
  let word = ~words[row + (x >> 5)] & (0xffffffff << (x & 31));
  let base = x & ~31;
  while (word === 0) {
    base += 32;
    if (base >= width) return width;
    word = ~words[row + (base >> 5)];
  }
  return Math.min(base + lowestBit(word), width);
}

/** Index of the lowest set bit of a word that has one. */
export function lowestBit(word: number): number {
  return 31 - Math.clz32(word & -word);
}

/** Background becomes foreground and the other way round; padding stays clear. */
export function invert(width: number, words: Uint32Array): Uint32Array {
  const stride = wordsPerRow(width);
  const tail = lastWordMask(width);
  const inverted = new Uint32Array(words.length);
  for (let i = 0; i < words.length; i++) inverted[i] = ~words[i];
  for (let i = stride - 1; i < words.length; i += stride) inverted[i] &= tail;
  return inverted;
}
