import { UnSAMError } from "@unsam/core/errors";
import { decodeImage, type ImageInput, type RgbImage, toPNG } from "@unsam/core/image";
import { Mask, type OverlayMarks, overlay } from "@unsam/core/mask";
import { checkKeys } from "@unsam/core/options";
import sharp from "sharp";
import type { LadderRung } from "./ladder-rung.js";
import type { Segment } from "./segment.js";
import { strokeText } from "./stroke-text.js";

/** What a sheet shows of a ladder. */
export interface SheetLadder {
  readonly segments: readonly Segment[];
  readonly distinct: readonly LadderRung[];
  readonly stable: Segment;
  readonly marks: OverlayMarks;
}

export interface LadderSheetOptions {
  /** The photo; needed only where the image was loaded from a saved encoding, which holds no pixels. */
  readonly image?: ImageInput | undefined;
  /** Longest side of a tile in pixels, 64 to 2048; default 360. */
  readonly tile?: number | undefined;
  /** Tiles in a row; default: what makes the sheet a little wider than high. */
  readonly columns?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

const MARGIN = 24;
const GAP = 20;
const CAPTION = 46;
const CORNER = 10;
const BACKGROUND = "#14171c";
const INK = "#e8ecf1";
const FAINT = "#8b95a3";
const TRACK = "#343b46";
const ACCENT = "#1e88ff";
const STABLE = "#ffb020";
/** Masks keep the photo's colours, everything else steps back. */
const LOOK = { opacity: 0.2, dim: 0.5 };
/** Ends of the drawn scale of granularity. */
const ENDS = [0, 1] as const;

/** One tile for each distinct scale of a ladder, as PNG. Throws `E_BAD_IMAGE`, `E_BAD_OPTION`. */
export async function ladderSheet(ladder: SheetLadder, options: LadderSheetOptions): Promise<Buffer> {
  checkKeys(options, ["image", "tile", "columns", "signal"], "toSheet");
  const { tile = 360, signal } = options;
  const scales = ladder.distinct;
  const columns = options.columns ?? niceColumns(scales.length);
  checkWhole("tile", tile, 64, 2048);
  checkWhole("columns", columns, 1, 64);
  const photo = await photoOf(ladder, options.image);
  const scale = tile / Math.max(photo.width, photo.height);
  const width = Math.max(1, Math.round(photo.width * scale));
  const height = Math.max(1, Math.round(photo.height * scale));
  // Painted at the tile's size: lines come out sharp, and a large photo costs no more than a small one.
  const small = await shrink(photo, width, height);
  const marks = scaledMarks(ladder.marks, width / photo.width, height / photo.height);
  const rows = Math.ceil(scales.length / columns);
  const across = Math.min(columns, scales.length);
  const sheet = {
    width: 2 * MARGIN + across * width + (across - 1) * GAP,
    height: 2 * MARGIN + rows * (height + CAPTION) + (rows - 1) * GAP,
  };
  const layers: { input: Buffer; left: number; top: number }[] = [];
  const drawn: string[] = [];
  for (const [i, scale] of scales.entries()) {
    signal?.throwIfAborted();
    const left = MARGIN + (i % columns) * (width + GAP);
    const top = MARGIN + Math.floor(i / columns) * (height + CAPTION + GAP);
    const layer = { mask: shrinkMask(scale.segment.mask, width, height) };
    const painted = await overlay(small, [layer], {
      ...LOOK,
      prompt: marks,
      ...(signal ? { signal } : {}),
    });
    layers.push({ input: await rounded(painted, width, height), left, top });
    const stable = scale.levels.includes(ladder.stable.granularity!);
    drawn.push(caption(scale, stable, left, top, width, height));
  }
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${sheet.width}" height="${sheet.height}">${drawn.join("")}</svg>`;
  const empty = sharp({ create: { ...sheet, channels: 3, background: BACKGROUND }, limitInputPixels: false });
  return toPNG(empty.composite([...layers, { input: Buffer.from(svg), left: 0, top: 0 }]));
}

/** The range as text and on a line, the share of the photo; a frame and a word for the most persistent scale. */
function caption(
  { range: [from, to], segment }: LadderRung,
  stable: boolean,
  left: number,
  top: number,
  width: number,
  height: number,
): string {
  const share = (100 * segment.mask.area) / (segment.mask.width * segment.mask.height);
  const line = top + height + 12;
  const range = from === to ? from.toFixed(2) : `${from.toFixed(2)} – ${to.toFixed(2)}`;
  const words = strokeText(range, 11, left + 1, line, INK);
  const percent = `${share.toFixed(share < 10 ? 1 : 0)} %`;
  const area = strokeText(
    percent,
    11,
    left + width - strokeText(percent, 11, 0, 0, FAINT).width - 2,
    line,
    FAINT,
  );
  const position = (g: number) => left + 2 + ((g - ENDS[0]) / (ENDS[1] - ENDS[0])) * (width - 4);
  const bar = top + height + 36;
  const stroke = (x0: number, x1: number, color: string, thick: number) =>
    `<path d="M${x0.toFixed(1)} ${bar}H${Math.max(x1, x0 + 0.01).toFixed(2)}" stroke="${color}" stroke-width="${thick}" stroke-linecap="round"/>`;
  const mark = stable
    ? `<rect x="${left - 2}" y="${top - 2}" width="${width + 4}" height="${height + 4}" rx="${CORNER + 2}" fill="none" stroke="${STABLE}" stroke-width="3"/>` +
      strokeText("stable", 11, left + words.width + 14, line, STABLE).svg
    : "";
  return (
    words.svg +
    area.svg +
    mark +
    stroke(position(ENDS[0]), position(ENDS[1]), TRACK, 4) +
    stroke(position(from), position(to), stable ? STABLE : ACCENT, 6)
  );
}

async function photoOf(ladder: SheetLadder, given: ImageInput | undefined): Promise<RgbImage> {
  const [{ source, mask }] = ladder.segments;
  const photo = given === undefined ? source : await decodeImage(given, {});
  if (!photo) {
    throw new UnSAMError(
      "E_BAD_IMAGE",
      "This image was loaded from a saved encoding, which holds no pixels; give the photo: toSheet({ image }).",
    );
  }
  if (photo.width === mask.width && photo.height === mask.height) return photo;
  throw new UnSAMError(
    "E_BAD_IMAGE",
    `The photo has ${photo.width} × ${photo.height} pixels, the masks ${mask.width} × ${mask.height}.`,
  );
}

async function shrink(
  { width: w, height: h, data }: RgbImage,
  width: number,
  height: number,
): Promise<RgbImage> {
  const raw = { raw: { width: w, height: h, channels: 3 as const }, limitInputPixels: false };
  const small = await sharp(data, raw).resize(width, height, { fit: "fill" }).raw().toBuffer();
  return { width, height, data: small };
}

/** The mask at the centres of the tile's pixels. */
function shrinkMask(mask: Mask, width: number, height: number): Mask {
  const bytes = new Uint8Array(width * height);
  const columns = Float64Array.from({ length: width }, (_, x) => ((x + 0.5) * mask.width) / width);
  for (let y = 0, i = 0; y < height; y++) {
    const row = ((y + 0.5) * mask.height) / height;
    for (let x = 0; x < width; x++, i++) if (mask.has(columns[x], row)) bytes[i] = 1;
  }
  return Mask.fromBytes(width, height, bytes);
}

function scaledMarks({ points = [], box }: OverlayMarks, sx: number, sy: number): OverlayMarks {
  return {
    points: points.map(({ x, y, label }) => ({ x: x * sx, y: y * sy, label })),
    box: box ? [box[0] * sx, box[1] * sy, box[2] * sx, box[3] * sy] : null,
  };
}

function rounded(png: Buffer, width: number, height: number): Promise<Buffer> {
  const shape = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><rect width="${width}" height="${height}" rx="${CORNER}"/></svg>`;
  return sharp(png)
    .ensureAlpha()
    .composite([{ input: Buffer.from(shape), blend: "dest-in" }])
    .png({ compressionLevel: 1 })
    .toBuffer();
}

/** Few rows, and as few empty places in the last one as can be. */
function niceColumns(count: number): number {
  if (count <= 4) return count;
  const least = Math.ceil(Math.sqrt(count));
  const empty = (columns: number) => (columns - (count % columns)) % columns;
  return empty(least + 1) < empty(least) ? least + 1 : least;
}

function checkWhole(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new UnSAMError(
    "E_BAD_OPTION",
    `${name} of a ladder's sheet is ${value}; give a whole number from ${least} to ${most}.`,
  );
}
