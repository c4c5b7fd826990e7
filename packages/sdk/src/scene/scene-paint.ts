/** Plain data: it crosses to a worker thread. */
export interface ScenePicture {
  readonly width: number;
  readonly height: number;
  /** The photo, [height, width, 3]; null: black. */
  readonly rgb: Uint8Array | null;
  /** Owner of each pixel + 1, 0 where none is, [height, width]. */
  readonly labels: Int32Array;
  /** How much of the colours covers the photo, 0 to 1. */
  readonly opacity: number;
}

/** Hues follow the golden angle: neighbours in number are far apart in colour, however many there are. */
const GOLDEN_ANGLE = 137.50776405;

/** The photo with every region in a colour of its own, always the same for the same region, and lines between them. */
export function paintScene({ width, height, rgb, labels, opacity }: ScenePicture): Uint8Array {
  const data = rgb ? Uint8Array.from(rgb) : new Uint8Array(3 * width * height);
  const colors = new Map<number, readonly [number, number, number]>();
  // One pixel on a small photo, more on a large one, so that lines still show when it is scaled to a screen.
  const line = Math.max(1, Math.round(Math.max(width, height) / 900));
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const label = labels[i];
      const border =
        (x + line < width && labels[i + line] !== label) ||
        (y + line < height && labels[i + line * width] !== label);
      if (label === 0 && !border) {
        blend(data, i, [0, 0, 0], 0.5 * opacity);
        continue;
      }
      let color = colors.get(label);
      if (!color) {
        color = colorOf(label);
        colors.set(label, color);
      }
      blend(data, i, border ? [255, 255, 255] : color, border ? 0.85 : opacity);
    }
  }
  return data;
}

function blend(
  data: Uint8Array,
  pixel: number,
  color: readonly [number, number, number],
  alpha: number,
): void {
  for (let c = 0; c < 3; c++) data[3 * pixel + c] += (color[c] - data[3 * pixel + c]) * alpha;
}

/** Hue by number, lightness in three steps, so that chance neighbours of like hue still differ. */
function colorOf(label: number): [number, number, number] {
  const hue = ((label * GOLDEN_ANGLE) % 360) / 60;
  const light = 0.45 + 0.12 * (label % 3);
  const chroma = (1 - Math.abs(2 * light - 1)) * 0.85;
  const second = chroma * (1 - Math.abs((hue % 2) - 1));
  const base = light - chroma / 2;
  const sector = Math.floor(hue);
  const rgb = [
    [chroma, second, 0],
    [second, chroma, 0],
    [0, chroma, second],
    [0, second, chroma],
    [second, 0, chroma],
    [chroma, 0, second],
  ][sector];
  return rgb.map((value) => Math.round(255 * (value + base))) as [number, number, number];
}
