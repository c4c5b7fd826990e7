/** Strokes and advance widths on a grid whose digits are 6 wide and 10 high, y down. */
const GLYPHS: Readonly<Record<string, readonly [advance: number, path: string]>> = {
  "0": [6, "M3 0C5 0 6 2 6 5C6 8 5 10 3 10C1 10 0 8 0 5C0 2 1 0 3 0Z"],
  "1": [6, "M1 2L3.6 0V10"],
  "2": [6, "M.3 2.8C.3 1 1.5 0 3 0C4.7 0 5.8 1.1 5.8 2.7C5.8 4.2 4.6 5.5 .2 10H6"],
  "3": [
    6,
    "M.4 1.9C.8 .7 1.8 0 3 0C4.6 0 5.6 1 5.6 2.5C5.6 4 4.5 4.8 2.6 4.8C4.8 4.8 6 5.8 6 7.4C6 9 4.7 10 3 10C1.5 10 .5 9.3 .1 8",
  ],
  "4": [6, "M4.6 10V0L0 7H6"],
  "5": [6, "M5.6 0H1.1L.6 4.6C1.2 4 2 3.7 3 3.7C4.8 3.7 6 4.9 6 6.8C6 8.8 4.7 10 2.9 10C1.5 10 .5 9.4 0 8.3"],
  "6": [
    6,
    "M5.3 1C4.6 .3 3.9 0 3.2 0C1.2 0 0 2 0 5.5C0 8.5 1.2 10 3 10C4.8 10 6 8.7 6 6.8C6 5 4.8 3.8 3.1 3.8C1.6 3.8 .5 4.7 .1 6",
  ],
  "7": [6, "M0 0H6L2.2 10"],
  "8": [
    6,
    "M3 4.7C1.5 4.7 .5 3.8 .5 2.4C.5 1 1.5 0 3 0C4.5 0 5.5 1 5.5 2.4C5.5 3.8 4.5 4.7 3 4.7C1.2 4.7 0 5.7 0 7.3C0 9 1.2 10 3 10C4.8 10 6 9 6 7.3C6 5.7 4.8 4.7 3 4.7Z",
  ],
  "9": [
    6,
    "M.7 9C1.4 9.7 2.1 10 2.8 10C4.8 10 6 8 6 4.5C6 1.5 4.8 0 3 0C1.2 0 0 1.3 0 3.2C0 5 1.2 6.2 2.9 6.2C4.4 6.2 5.5 5.3 5.9 4",
  ],
  ".": [1, "M.5 9.7h.01"],
  "–": [5, "M.4 5.6H4.6"],
  "%": [
    8,
    "M6.6 0L1.6 10M2 .2C.9 .2 .3 1 .3 2.3S.9 4.4 2 4.4S3.7 3.6 3.7 2.3S3.1 .2 2 .2ZM6.2 5.6C5.1 5.6 4.5 6.4 4.5 7.7S5.1 9.8 6.2 9.8S7.9 9 7.9 7.7S7.3 5.6 6.2 5.6Z",
  ],
  s: [
    5,
    "M4.2 4.6C3.8 3.9 3.1 3.5 2.2 3.5C1 3.5 .3 4.1 .3 5C.3 7 4.4 6 4.4 8.2C4.4 9.3 3.5 10 2.2 10C1.2 10 .4 9.6 0 8.8",
  ],
  t: [4, "M1.7 1.5V8.2C1.7 9.5 2.3 10 3.6 9.8M.1 3.7H3.4"],
  a: [
    5.4,
    "M.6 4.5C1.1 3.8 1.8 3.5 2.6 3.5C4 3.5 4.8 4.3 4.8 5.7V10M4.8 6.4C2 6.3 .3 6.8 .3 8.3C.3 9.3 1.1 10 2.2 10C3.5 10 4.8 9.1 4.8 7.6",
  ],
  b: [
    5.4,
    "M.4 0V10M.4 6.7C.4 4.9 1.4 3.5 2.8 3.5C4.3 3.5 5.2 4.8 5.2 6.7C5.2 8.7 4.3 10 2.8 10C1.4 10 .4 8.6 .4 6.7",
  ],
  l: [1, "M.4 0V10"],
  e: [
    5.2,
    "M.3 6.6H4.9C4.9 4.7 4 3.5 2.6 3.5C1.1 3.5 .2 4.8 .2 6.7C.2 8.7 1.1 10 2.8 10C3.7 10 4.4 9.6 4.8 8.9",
  ],
  " ": [2, ""],
};

/** Between two glyphs. */
const GAP = 1.9;

export interface StrokeText {
  /** An SVG group. */
  readonly svg: string;
  /** Pixels. */
  readonly width: number;
}

/**
 * A line of text (digits and what a ladder's captions need) as SVG strokes, its top left corner at (x, y), digits
 * `size` pixels high. Drawn by ourselves because a machine, a container above all, may have no fonts at all.
 */
export function strokeText(text: string, size: number, x: number, y: number, color: string): StrokeText {
  let at = 0;
  const paths: string[] = [];
  for (const character of text) {
    const glyph = GLYPHS[character];
    if (!glyph) throw new RangeError(`There is no stroke glyph for "${character}".`);
    const [advance, path] = glyph;
    if (path) paths.push(`<path d="${path}" transform="translate(${at} 0)"/>`);
    at += advance + GAP;
  }
  const scale = size / 10;
  const svg =
    `<g transform="translate(${x} ${y}) scale(${scale})" fill="none" stroke="${color}" stroke-width="1.15" ` +
    `stroke-linecap="round" stroke-linejoin="round">${paths.join("")}</g>`;
  return { svg, width: Math.max(0, at - GAP) * scale };
}
