import type { Mask } from "@unsam/core/mask";

/**
 * The boundary pixels of a label map, one pixel wide, [height, width] of 0 and 1: a pixel whose label differs from that
 * of its right, lower or lower right neighbour, thinned. As the Berkeley benchmark (Martin, Fowlkes and Malik, TPAMI
 * 26:530–549, 2004) draws segmentations. Pixels that do not count are no boundary.
 */
export function boundaryMap(
  labels: ArrayLike<number>,
  width: number,
  height: number,
  counted: Mask | null,
): Uint8Array {
  const map = new Uint8Array(width * height);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const right = x + 1 < width && labels[i] !== labels[i + 1];
      const below = y + 1 < height && labels[i] !== labels[i + width];
      const both = x + 1 < width && y + 1 < height && labels[i] !== labels[i + width + 1];
      if ((right || below || both) && (counted === null || counted.has(x, y))) map[i] = 1;
    }
  }
  return thin(map, width, height);
}

/**
 * Thins to lines one pixel wide that stay connected, in place (Guo and Hall, Parallel Thinning with Two-Subiteration
 * Algorithms, CACM 32:359–373, 1989, algorithm A1). Returns the map.
 */
export function thin(map: Uint8Array, width: number, height: number): Uint8Array {
  const ring = new Uint8Array(8);
  let open = Array.from(map.keys()).filter((i) => map[i] === 1);
  for (let changed = true; changed; ) {
    changed = false;
    for (const second of [false, true]) {
      const gone = open.filter((i) => {
        const x = i % width;
        const y = (i - x) / width;
        // Neighbours in the order north, north-east, east … north-west.
        for (let k = 0; k < 8; k++) {
          const nx = x + RING_X[k];
          const ny = y + RING_Y[k];
          ring[k] = nx >= 0 && ny >= 0 && nx < width && ny < height ? map[ny * width + nx] : 0;
        }
        return removable(ring, second);
      });
      for (const i of gone) map[i] = 0;
      if (gone.length > 0) {
        changed = true;
        open = open.filter((i) => map[i] === 1);
      }
    }
  }
  return map;
}

const RING_X = [0, 1, 1, 1, 0, -1, -1, -1];
const RING_Y = [-1, -1, 0, 1, 1, 1, 0, -1];

/** The three conditions of Guo and Hall on the eight neighbours of a pixel. */
function removable(ring: Uint8Array, second: boolean): boolean {
  const [n, ne, e, se, s, sw, w, nw] = ring;
  const crossings = ((n ^ 1) & (ne | e)) + ((e ^ 1) & (se | s)) + ((s ^ 1) & (sw | w)) + ((w ^ 1) & (nw | n));
  if (crossings !== 1) return false;
  const one = (nw | n) + (ne | e) + (se | s) + (sw | w);
  const two = (n | ne) + (e | se) + (s | sw) + (w | nw);
  const neighbours = Math.min(one, two);
  if (neighbours < 2 || neighbours > 3) return false;
  return second ? ((s | sw | (nw ^ 1)) & w) === 0 : ((n | ne | (se ^ 1)) & e) === 0;
}
