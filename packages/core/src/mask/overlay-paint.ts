import { wordsPerRow } from "./bits.js";
import type { BoundingBox } from "./bounding-box.js";
import { edgeDistance } from "./edge-distance.js";

/** What of a prompt is drawn, in pixels of the image. */
export interface OverlayMarks {
  /** Label 1 is foreground (a plus), 0 background (a minus); others are not drawn. */
  readonly points?: readonly { readonly x: number; readonly y: number; readonly label: number }[];
  /** x0, y0, x1, y1 */
  readonly box?: readonly [number, number, number, number] | null;
}

/** Plain data: it crosses to a worker thread. */
export interface OverlayJob {
  readonly width: number;
  readonly height: number;
  readonly rgb: Uint8Array;
  readonly layers: readonly {
    readonly words: Uint32Array;
    readonly box: BoundingBox;
    readonly color: readonly [number, number, number];
  }[];
  readonly opacity: number;
  readonly dim: number;
  readonly marks: OverlayMarks;
}

type Rgb = readonly [number, number, number];

const WHITE: Rgb = [255, 255, 255];
const SHADOW: Rgb = [12, 14, 20];
const FOREGROUND: Rgb = [22, 178, 92];
const BACKGROUND: Rgb = [228, 52, 52];

/** Draws an overlay; returns RGB bytes of the photo's size. */
export function paintOverlay({ width, height, rgb, layers, opacity, dim, marks }: OverlayJob): Uint8Array {
  const canvas: Canvas = { width, height, data: Uint8Array.from(rgb) };
  // 1.8 pixels on a small photo, 6 at most: a line that still shows when a large photo is scaled to a screen.
  const line = Math.min(6, Math.max(1.8, Math.max(width, height) / 450));
  if (dim > 0) dimOutside(canvas, layers, dim);
  for (const { words, box, color } of layers) paintLayer(canvas, words, box, color, opacity, line);
  if (marks.box) paintBox(canvas, marks.box, line);
  for (const point of marks.points ?? []) paintPoint(canvas, point, line);
  return canvas.data;
}

interface Canvas {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

function blend(data: Uint8Array, pixel: number, [red, green, blue]: Rgb, alpha: number): void {
  const i = pixel * 3;
  data[i] += (red - data[i]) * alpha;
  data[i + 1] += (green - data[i + 1]) * alpha;
  data[i + 2] += (blue - data[i + 2]) * alpha;
}

/** Everything outside the masks loses brightness, and half as much of its colour. */
function dimOutside({ width, height, data }: Canvas, layers: OverlayJob["layers"], dim: number): void {
  const stride = wordsPerRow(width);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const word = y * stride + (x >> 5);
      if (layers.some(({ words }) => ((words[word] >>> (x & 31)) & 1) === 1)) continue;
      const i = (y * width + x) * 3;
      // Rec. 601 luma.
      const grey = 0.299 * data[i] + 0.587 * data[i + 1] + 0.114 * data[i + 2];
      for (let c = 0; c < 3; c++) data[i + c] = (data[i + c] + (grey - data[i + c]) * dim * 0.5) * (1 - dim);
    }
  }
}

/** Tint, a soft dark rim outside, and the outline, all from the distance to the mask's edge. */
function paintLayer(
  { width, height, data }: Canvas,
  words: Uint32Array,
  box: BoundingBox,
  color: Rgb,
  opacity: number,
  line: number,
): void {
  if (box.width === 0) return;
  const rim = line * 1.4;
  const { x0, y0, w, h, distance } = edgeDistance(words, width, height, box, line);
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      const d = distance[y * w + x];
      const pixel = (y0 + y) * width + x0 + x;
      const fill = clamp(d + 0.5) * opacity;
      if (fill > 0) blend(data, pixel, color, fill);
      const away = Math.abs(d);
      if (d < 0 && away < line / 2 + rim)
        blend(data, pixel, SHADOW, 0.45 * clamp(1 - (away - line / 2) / rim));
      const stroke = clamp(line / 2 + 0.5 - away);
      if (stroke > 0) blend(data, pixel, color, stroke);
      // A light core keeps the outline visible on photos of the mask's own colour.
      const core = clamp(line / 5 + 0.5 - away);
      if (core > 0) blend(data, pixel, WHITE, core * 0.55);
    }
  }
}

/** A white frame with a dark rim. */
function paintBox(
  canvas: Canvas,
  [x0, y0, x1, y1]: readonly [number, number, number, number],
  line: number,
): void {
  const centerX = (x0 + x1) / 2;
  const centerY = (y0 + y1) / 2;
  const reach = line * 2 + 1;
  const distance = (x: number, y: number) => {
    const dx = Math.abs(x - centerX) - (x1 - x0) / 2;
    const dy = Math.abs(y - centerY) - (y1 - y0) / 2;
    return Math.abs(Math.hypot(Math.max(dx, 0), Math.max(dy, 0)) + Math.min(Math.max(dx, dy), 0));
  };
  const bands = [
    [x0 - reach, y0 - reach, x1 + reach, y0 + reach],
    [x0 - reach, y1 - reach, x1 + reach, y1 + reach],
    [x0 - reach, y0 + reach, x0 + reach, y1 - reach],
    [x1 - reach, y0 + reach, x1 + reach, y1 - reach],
  ] as const;
  paintShape(canvas, bands, (x, y) => distance(x, y) - line * 0.9, SHADOW, 0.5);
  paintShape(canvas, bands, (x, y) => distance(x, y) - line * 0.5, WHITE, 1);
}

/** A disc with a white ring and a plus or a minus. */
function paintPoint(canvas: Canvas, point: { x: number; y: number; label: number }, line: number): void {
  const { x: px, y: py, label } = point;
  if (label !== 0 && label !== 1) return;
  const radius = line * 3.2;
  const reach = radius * 1.6 + 2;
  const area = [[px - reach, py - reach, px + reach, py + reach]] as const;
  const disc = (x: number, y: number) => Math.hypot(x - px, y - py);
  const bar = (a: number, b: number) => Math.max(Math.abs(a) - radius * 0.55, Math.abs(b) - radius * 0.15);
  paintShape(canvas, area, (x, y) => disc(x, y) - radius * 1.45, SHADOW, 0.4);
  paintShape(canvas, area, (x, y) => disc(x, y) - radius * 1.25, WHITE, 1);
  paintShape(canvas, area, (x, y) => disc(x, y) - radius, label === 1 ? FOREGROUND : BACKGROUND, 1);
  paintShape(
    canvas,
    area,
    (x, y) => (label === 1 ? Math.min(bar(x - px, y - py), bar(y - py, x - px)) : bar(x - px, y - py)),
    WHITE,
    1,
  );
}

/** Fills where the signed distance at pixel centres is negative, its edge one pixel soft; only within the areas. */
function paintShape(
  { width, height, data }: Canvas,
  areas: readonly (readonly [number, number, number, number])[],
  distance: (x: number, y: number) => number,
  color: Rgb,
  alpha: number,
): void {
  for (const [left, top, right, bottom] of areas) {
    const lastX = Math.min(width, Math.ceil(right));
    const lastY = Math.min(height, Math.ceil(bottom));
    for (let y = Math.max(0, Math.ceil(top)); y < lastY; y++) {
      for (let x = Math.max(0, Math.ceil(left)); x < lastX; x++) {
        const cover = clamp(0.5 - distance(x + 0.5, y + 0.5));
        if (cover > 0) blend(data, y * width + x, color, cover * alpha);
      }
    }
  }
}

function clamp(value: number): number {
  return value < 0 ? 0 : value > 1 ? 1 : value;
}
