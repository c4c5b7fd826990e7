import type { Stroke } from "../state/document.ts";

/** Strokes as a mask of the photo's size, one byte a pixel: what lies within a radius of a line between two points of one. */
export function paintStrokes(strokes: readonly Stroke[], width: number, height: number): Uint8Array {
  const pixels = new Uint8Array(width * height);
  for (const { radius, points } of strokes) {
    points.forEach((to, k) => {
      capsule(pixels, width, height, points[Math.max(0, k - 1)], to, radius);
    });
  }
  return pixels;
}

function capsule(
  pixels: Uint8Array,
  width: number,
  height: number,
  [x0, y0]: readonly [number, number],
  [x1, y1]: readonly [number, number],
  radius: number,
): void {
  const [dx, dy] = [x1 - x0, y1 - y0];
  const length = dx * dx + dy * dy;
  const [left, right] = [Math.min(x0, x1) - radius, Math.max(x0, x1) + radius];
  const [top, bottom] = [Math.min(y0, y1) - radius, Math.max(y0, y1) + radius];
  for (let y = Math.max(0, Math.floor(top)); y < Math.min(height, bottom); y++) {
    for (let x = Math.max(0, Math.floor(left)); x < Math.min(width, right); x++) {
      const [px, py] = [x + 0.5 - x0, y + 0.5 - y0];
      const along = length === 0 ? 0 : Math.min(1, Math.max(0, (px * dx + py * dy) / length));
      if ((px - along * dx) ** 2 + (py - along * dy) ** 2 <= radius * radius) pixels[y * width + x] = 1;
    }
  }
}
