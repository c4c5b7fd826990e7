/** x0, y0, x1, y1 in pixels, the last two exclusive. */
export type CropBox = readonly [x0: number, y0: number, x1: number, y1: number];

export interface Crop {
  readonly box: CropBox;
  /** 0: the whole image. */
  readonly layer: number;
}

/** The official grid on an image: n × n points at ((i + ½) / n) of its sides, row by row, as [x, y] in pixels. */
export function pointGrid(perSide: number, width: number, height: number): [x: number, y: number][] {
  const points: [number, number][] = [];
  for (let row = 0; row < perSide; row++) {
    for (let column = 0; column < perSide; column++) {
      points.push([((column + 0.5) / perSide) * width, ((row + 0.5) / perSide) * height]);
    }
  }
  return points;
}

/** Points a side in the crops of a layer. */
export function pointsInLayer(perSide: number, layer: number, downscale: number): number {
  return Math.floor(perSide / downscale ** layer);
}

/**
 * The official crops: the whole image, then for layer i = 1 … layers its 2^i × 2^i crops, column by column, which
 * overlap by `overlap` of the shorter side, halved with each further layer.
 */
export function cropBoxes(width: number, height: number, layers: number, overlap: number): Crop[] {
  const crops: Crop[] = [{ box: [0, 0, width, height], layer: 0 }];
  for (let layer = 1; layer <= layers; layer++) {
    const perSide = 2 ** layer;
    const shared = Math.floor(overlap * Math.min(width, height) * (2 / perSide));
    const length = (side: number) => Math.ceil((shared * (perSide - 1) + side) / perSide);
    const [cropWidth, cropHeight] = [length(width), length(height)];
    for (let column = 0; column < perSide; column++) {
      for (let row = 0; row < perSide; row++) {
        const x0 = (cropWidth - shared) * column;
        const y0 = (cropHeight - shared) * row;
        const box: CropBox = [x0, y0, Math.min(x0 + cropWidth, width), Math.min(y0 + cropHeight, height)];
        crops.push({ box, layer });
      }
    }
  }
  return crops;
}

/** How near to the border of its crop a mask is cut off by it, in pixels. */
const NEAR = 20;

/**
 * Whether one side of a mask's box (inclusive corners, in pixels of the image) lies within 20 pixels of the same side
 * of its crop, but not of the image: then the crop has cut it off.
 */
export function touchesCropEdge(
  box: readonly number[],
  crop: CropBox,
  image: { readonly width: number; readonly height: number },
): boolean {
  const whole = [0, 0, image.width, image.height];
  return box.some((side, i) => Math.abs(side - crop[i]) <= NEAR && Math.abs(side - whole[i]) > NEAR);
}
