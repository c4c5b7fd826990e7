import type { RgbImage } from "@unsam/core/image";
import { type BoundingBox, Mask } from "@unsam/core/mask";
import sharp from "sharp";
import { readPhoto } from "../datasets/read-photo.js";
import { readTruth } from "../datasets/read-truth.js";
import type { Result } from "../run/evaluate.js";
import { type ClickScore, regionOf } from "../run/score-click.js";

/** One click as a picture for the report. */
export interface ClickPicture {
  readonly image: string;
  readonly iou: number;
  /** Data URI. */
  readonly png: string;
}

/** How many of the best, of those around the median, and of the worst clicks are shown. */
const EACH = 3;
/** Longest side in pixels: enough to see, small enough for a page with many. */
const SIDE = 260;
const ANSWER: Color = [255, 45, 120];
const WANTED: Color = [255, 255, 255];
const SHADOW: Color = [0, 0, 0];
type Color = readonly [number, number, number];

/** Pictures of the best, the median and the worst clicks of a result, by the IoU of the method's own choice. */
export async function clickPictures(
  result: Result,
): Promise<{ best: ClickPicture[]; median: ClickPicture[]; worst: ClickPicture[] }> {
  const ranked = result.images
    .flatMap(({ clicks }) => clicks.map((click) => ({ click, iou: shownIou(click) })))
    .sort((a, b) => b.iou - a.iou);
  const middle = Math.max(0, Math.floor((ranked.length - EACH) / 2));
  const draw = async (entries: typeof ranked) => {
    const pictures: ClickPicture[] = [];
    for (const { click, iou } of entries)
      pictures.push({ image: click.image, iou, png: await drawClick(result, click) });
    return pictures;
  };
  return {
    best: await draw(distinct(ranked)),
    median: await draw(ranked.slice(middle, middle + EACH)),
    worst: await draw(distinct([...ranked].reverse())),
  };
}

/** Of the picture's answer: the method's own choice, else the best of the ladder. */
export function shownIou({ auto, ious }: ClickScore): number {
  return auto?.iou ?? Math.max(...ious);
}

/** The first few, of different images where there are enough. */
function distinct<Entry extends { readonly click: ClickScore }>(ranked: readonly Entry[]): Entry[] {
  const first = ranked.filter(
    (entry, k) => ranked.findIndex(({ click }) => click.image === entry.click.image) === k,
  );
  return (first.length >= EACH ? first : ranked).slice(0, EACH);
}

async function drawClick({ dataset, maxPixels }: Result, click: ClickScore): Promise<string> {
  const image = dataset.images.find(({ name }) => name === click.image)!;
  const { photo } = await readPhoto(image, { maxPixels });
  const truth = await readTruth(image, dataset.voidLabels, photo);
  const answer = Mask.fromRLE(click.picture);
  const wanted = regionOf(truth, click);
  const view = viewOf([answer, wanted], photo.width, photo.height);
  const scale = SIDE / Math.max(view.width, view.height);
  const width = Math.max(1, Math.round(view.width * scale));
  const height = Math.max(1, Math.round(view.height * scale));
  const { data } = await sharp(photo.data, {
    raw: { width: photo.width, height: photo.height, channels: 3 },
    limitInputPixels: false,
  })
    .extract({ left: view.x, top: view.y, width: view.width, height: view.height })
    .resize(width, height, { fit: "fill" })
    .raw()
    .toBuffer({ resolveWithObject: true });
  const small: RgbImage = { width, height, data: new Uint8Array(data) };
  const clickX = (click.x + 0.5 - view.x) * scale;
  const clickY = (click.y + 0.5 - view.y) * scale;
  paint(small, sample(answer, view, width, height), sample(wanted, view, width, height), clickX, clickY);
  const png = await sharp(small.data, { raw: { width, height, channels: 3 } })
    .png({ palette: true, colours: 128, effort: 7, dither: 0.6 })
    .toBuffer();
  return `data:image/png;base64,${png.toString("base64")}`;
}

/** The part of the photo around the masks, with room to see where they lie, 4 : 3 where the photo allows it. */
function viewOf(masks: readonly Mask[], width: number, height: number): BoundingBox {
  const boxes = masks.filter(({ area }) => area > 0).map(({ bbox }) => bbox);
  const left = Math.min(...boxes.map(({ x }) => x));
  const top = Math.min(...boxes.map(({ y }) => y));
  const right = Math.max(...boxes.map((box) => box.x + box.width));
  const bottom = Math.max(...boxes.map((box) => box.y + box.height));
  const wide = Math.max(2 * (right - left), (8 / 3) * (bottom - top), width / 4);
  const viewWidth = Math.min(width, Math.round(wide));
  const viewHeight = Math.min(height, Math.round((3 / 4) * wide));
  const start = (middle: number, size: number, limit: number) =>
    Math.max(0, Math.min(limit - size, Math.round(middle - size / 2)));
  return {
    x: start((left + right) / 2, viewWidth, width),
    y: start((top + bottom) / 2, viewHeight, height),
    width: viewWidth,
    height: viewHeight,
  };
}

/** A part of the mask at another size, by its nearest pixels, within a frame of background: [height + 2, width + 2]. */
function sample(mask: Mask, view: BoundingBox, width: number, height: number): Uint8Array {
  const bytes = new Uint8Array((width + 2) * (height + 2));
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const column = view.x + ((x + 0.5) * view.width) / width;
      const row = view.y + ((y + 0.5) * view.height) / height;
      if (mask.has(column, row)) bytes[(y + 1) * (width + 2) + x + 1] = 1;
    }
  }
  return bytes;
}

/** The answer tinted, the wanted region's outline in white, the click as a dot; all else a little darker. */
function paint(
  image: RgbImage,
  answer: Uint8Array,
  wanted: Uint8Array,
  clickX: number,
  clickY: number,
): void {
  const { width, height, data } = image;
  const stride = width + 2;
  const blend = (i: number, color: Color, share: number) => {
    for (let c = 0; c < 3; c++) data[i + c] += (color[c] - data[i + c]) * share;
  };
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i += 3) {
      const at = (y + 1) * stride + x + 1;
      const edge = (map: Uint8Array) =>
        map[at] === 1 && (map[at - 1] & map[at + 1] & map[at - stride] & map[at + stride]) === 0;
      blend(i, answer[at] === 1 ? ANSWER : SHADOW, answer[at] === 1 ? 0.42 : 0.3);
      if (edge(answer)) blend(i, ANSWER, 0.9);
      if (edge(wanted)) blend(i, WANTED, 0.95);
      const distance = Math.hypot(x + 0.5 - clickX, y + 0.5 - clickY);
      if (distance < 5) blend(i, distance < 3.2 ? [20, 170, 90] : WANTED, Math.min(1, 5 - distance));
    }
  }
}
