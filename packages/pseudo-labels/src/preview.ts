import { readdir } from "node:fs/promises";
import path from "node:path";
import { UnSAMError } from "@unsam/core/errors";
import { isHidden, reasonOf, shown, writeWhole } from "@unsam/core/files";
import { decodeImage, type RgbImage } from "@unsam/core/image";
import { Mask } from "@unsam/core/mask";
import sharp, { type OverlayOptions } from "sharp";
import { type LabelFile, readLabelFile } from "./label-file.js";

/** Photos on the sheet, in the order of their names, and the size of one picture in pixels. */
const PHOTOS = 8;
const CELL = { width: 240, height: 180, gap: 4 };
/** After the photo: what labels from this granularity up to the next show. */
const BANDS = [
  [0.5, 1],
  [0.25, 0.5],
  [0.1, 0.25],
];
/** Share of a label's colour in its pixels. */
const TINT = 0.55;

/**
 * Draws a contact sheet (PNG): a row per photo, first the photo, then its labels of coarse, middle and fine granularity,
 * smaller ones on top, each in a colour of its own. Throws `E_BAD_OPTION` where there are no labels,
 * `E_BAD_FILE` where they are not of the photo, `E_IO`.
 */
export async function writePreview(images: string, labels: string, file: string): Promise<void> {
  const found = await readdir(labels).catch((cause) => {
    throw new UnSAMError("E_IO", `The folder ${shown(labels)} cannot be read: ${reasonOf(cause)}.`, {
      cause,
    });
  });
  const names = found.filter((name) => name.endsWith(".json") && !isHidden(name)).sort();
  const cells: OverlayOptions[] = [];
  let row = 0;
  for (const name of names.slice(0, PHOTOS)) {
    const label = await readLabelFile(path.join(labels, name));
    const photo = await decodeImage(path.join(images, path.basename(label.image.file_name)));
    checkSize(name, label, photo);
    const pictures = [photo, ...BANDS.map(([from, to]) => tinted(photo, label, from, to))];
    for (const [column, { data, width, height }] of pictures.entries()) {
      cells.push({
        input: await sharp(data, { raw: { width, height, channels: 3 } })
          .resize(CELL.width, CELL.height, { fit: "contain", background: "#ffffff" })
          .png()
          .toBuffer(),
        left: column * (CELL.width + CELL.gap),
        top: row * (CELL.height + CELL.gap),
      });
    }
    row++;
  }
  if (row === 0) throw new UnSAMError("E_BAD_OPTION", `${labels} holds no label file to draw.`);
  const sheet = sharp({
    create: {
      width: (1 + BANDS.length) * (CELL.width + CELL.gap) - CELL.gap,
      height: row * (CELL.height + CELL.gap) - CELL.gap,
      channels: 3,
      background: "#ffffff",
    },
  });
  await writeWhole(file, await sheet.composite(cells).png({ palette: true }).toBuffer());
}

function checkSize(name: string, { image }: LabelFile, photo: RgbImage): void {
  if (photo.width === image.width && photo.height === image.height) return;
  throw new UnSAMError(
    "E_BAD_FILE",
    `The labels in ${shown(name)} are of ${image.width} × ${image.height} pixels, but the photo ${shown(image.file_name)} has ${photo.width} × ${photo.height}; label it again.`,
  );
}

/** The photo with the labels of a band of granularity, from `from` (left out, but for 0.1) to `to`. */
function tinted(photo: RgbImage, label: LabelFile, from: number, to: number): RgbImage {
  const data = Uint8Array.from(photo.data);
  const chosen = label.annotations
    .filter(({ granularity }) => (granularity > from || from <= 0.1) && granularity <= to)
    .sort((a, b) => b.area - a.area);
  for (const { id, segmentation } of chosen) {
    const mask = Mask.fromRLE(segmentation);
    const [r, g, b] = colourOf(id);
    mask.toBytes().forEach((inside, i) => {
      if (inside === 0) return;
      data[3 * i] = photo.data[3 * i] * (1 - TINT) + r * TINT;
      data[3 * i + 1] = photo.data[3 * i + 1] * (1 - TINT) + g * TINT;
      data[3 * i + 2] = photo.data[3 * i + 2] * (1 - TINT) + b * TINT;
    });
  }
  return { ...photo, data };
}

/** Hues a golden angle apart, so that neighbours in number look unlike. */
function colourOf(id: number): [number, number, number] {
  const hue = (id * 0.381966) % 1;
  const wave = (shift: number) => 255 * (0.5 + 0.5 * Math.cos(2 * Math.PI * (hue + shift)));
  return [wave(0), wave(1 / 3), wave(2 / 3)];
}
