import { paintingOrder, type Scene } from "../state/scene.ts";
import { eachRun, sampled } from "./bitmap.ts";

/** Who owns each sampled pixel at the finest granularity, as id + 1; 0 where no mask is. */
export interface LabelMap {
  readonly step: number;
  readonly width: number;
  readonly height: number;
  readonly labels: Uint16Array;
}

export function labelMapOf(
  scene: Scene,
  size: { readonly width: number; readonly height: number },
  step: number,
): LabelMap {
  const [width, height] = [sampled(size.width, step), sampled(size.height, step)];
  const labels = new Uint16Array(width * height);
  for (const id of paintingOrder(scene)) {
    eachRun(scene.masks[id].rle.counts as string, size, step, (column, from, until) => {
      for (let at = from * width + column, end = until * width; at < end; at += width) labels[at] = id + 1;
    });
  }
  return { step, width, height, labels };
}

/** The mask under a point of the photo at the finest granularity; null: none. */
export function maskAt({ step, width, height, labels }: LabelMap, x: number, y: number): number | null {
  const [column, row] = [Math.floor(x / step), Math.floor(y / step)];
  if (!(column >= 0 && row >= 0 && column < width && row < height)) return null;
  const label = labels[row * width + column];
  return label === 0 ? null : label - 1;
}

/**
 * Paints the map at one granularity into RGBA pixels: the colour of each owner, and a lighter line where owners meet.
 * `owners`: from `ownersAt`; `colours`: one for each mask, as `rgba` packs them.
 */
export function paintLabels(
  { width, height, labels }: LabelMap,
  owners: Int32Array,
  colours: Uint32Array,
  line: number,
  out: Uint32Array,
): void {
  const ownerOf = new Int32Array(owners.length + 1);
  ownerOf.set(
    owners.map((id) => id + 1),
    1,
  );
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      const owner = ownerOf[labels[at]];
      const isBorder =
        (x + 1 < width && ownerOf[labels[at + 1]] !== owner) ||
        (y + 1 < height && ownerOf[labels[at + width]] !== owner);
      out[at] = isBorder ? line : owner === 0 ? 0 : colours[owner - 1];
    }
  }
}

/** A colour as the bytes of an ImageData hold it on machines that keep the lowest byte first. */
export function rgba(red: number, green: number, blue: number, alpha: number): number {
  return ((alpha << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}

/** A colour for each mask: neighbours in number lie far apart on the circle of hues. */
export function coloursOf(count: number, alpha: number): Uint32Array {
  return Uint32Array.from({ length: count }, (_, id) => {
    const hue = (id * 137.508) % 360;
    const [red, green, blue] = fromHue(hue, id % 3 === 1 ? 0.72 : 0.6, id % 2 === 0 ? 0.58 : 0.48);
    return rgba(red, green, blue, alpha);
  });
}

export function fromHue(hue: number, saturation: number, lightness: number): [number, number, number] {
  const reach = saturation * Math.min(lightness, 1 - lightness);
  const channel = (n: number) => {
    const k = (n + hue / 30) % 12;
    return Math.round(255 * (lightness - reach * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  };
  return [channel(0), channel(8), channel(4)];
}
