import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { UnSAMError } from "@unsam/core/errors";
import type { RgbImage } from "@unsam/core/image";
import sharp from "sharp";
import { parseCsv } from "./csv.js";

/** One prompt of the fixed list: a click, and the region of one annotator that it stands for. */
export interface Click {
  readonly image: string;
  /** From 1. */
  readonly annotator: number;
  /** Value of the region in the label map. */
  readonly region: number;
  /** Pixel, from the left and top. */
  readonly x: number;
  readonly y: number;
}

/** 16-bit map of region numbers; 0 is the data set's own: nothing, background, or to be ignored. */
export interface LabelMap {
  readonly width: number;
  readonly height: number;
  /** [height, width] */
  readonly data: Uint16Array;
}

/** A data set on disk: `dataset.json`, `images/`, `labels/`, `clicks.csv`. */
export interface Dataset {
  readonly name: string;
  readonly folder: string;
  /** Pixels labelled 0 are left out of the score. */
  readonly ignoresZero: boolean;
  /** Names of the images without their endings, sorted. */
  readonly images: readonly string[];
  readonly clicks: readonly Click[];
  readonly imageFile: ReadonlyMap<string, string>;
  readonly manyAnnotators: boolean;
}

/** Opens the data set in a folder. Throws `E_IO` or `E_BAD_FILE`. */
export async function openDataset(folder: string): Promise<Dataset> {
  const [description, table, files, labels] = await Promise.all([
    readText(path.join(folder, "dataset.json")),
    readText(path.join(folder, "clicks.csv")),
    list(path.join(folder, "images")),
    list(path.join(folder, "labels")),
  ]);
  let about: { name?: unknown; zero_label?: unknown };
  try {
    about = JSON.parse(description);
  } catch (cause) {
    throw new UnSAMError("E_BAD_FILE", `${path.join(folder, "dataset.json")} is not JSON.`, { cause });
  }
  const imageFile = new Map(files.map((file) => [path.parse(file).name, path.join(folder, "images", file)]));
  const clicks = parseCsv(table).map((row, k) => {
    const click = {
      image: row.image,
      annotator: Number(row.annotator),
      region: Number(row.region),
      x: Number(row.x),
      y: Number(row.y),
    };
    const whole = [click.annotator, click.region, click.x, click.y].every(
      (n) => Number.isInteger(n) && n >= 0,
    );
    if (!whole || !imageFile.has(click.image)) {
      const line = Object.values(row).join(",");
      throw new UnSAMError(
        "E_BAD_FILE",
        `${folder}/clicks.csv, click ${k + 1} (${line}) has no image or no numbers.`,
      );
    }
    return click;
  });
  return {
    name: typeof about.name === "string" ? about.name : path.basename(folder),
    folder,
    ignoresZero: about.zero_label === "ignore",
    images: [...imageFile.keys()].sort(),
    clicks,
    imageFile,
    manyAnnotators: labels.some((file) => /\.\d+\.png$/.test(file)),
  };
}

/** The image as upright 8-bit RGB. */
export async function readRgb(file: string): Promise<RgbImage> {
  const { data, info } = await sharp(file)
    .autoOrient()
    .toColourspace("srgb")
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  if (info.channels !== 3) {
    throw new UnSAMError(
      "E_BAD_IMAGE",
      `${file} has ${info.channels} channels after conversion; 3 are needed.`,
    );
  }
  return { data, width: info.width, height: info.height };
}

/** The label map of one annotator. */
export function readLabels(dataset: Dataset, image: string, annotator: number): Promise<LabelMap> {
  const name = dataset.manyAnnotators ? `${image}.${annotator}.png` : `${image}.png`;
  return readLabelMap(path.join(dataset.folder, "labels", name));
}

/** Reads a one-channel PNG, 8 or 16 bit, without rescaling its values. */
export async function readLabelMap(file: string): Promise<LabelMap> {
  const { data, info } = await sharp(file)
    .toColourspace("grey16")
    .raw({ depth: "ushort" })
    .toBuffer({ resolveWithObject: true });
  if (info.channels !== 1) {
    throw new UnSAMError("E_BAD_FILE", `${file} has ${info.channels} channels; a label map has one.`);
  }
  const aligned = new Uint8Array(data);
  return { width: info.width, height: info.height, data: new Uint16Array(aligned.buffer) };
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    throw new UnSAMError("E_IO", `${file} cannot be read; a data set has dataset.json and clicks.csv.`, {
      cause,
    });
  }
}

async function list(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (cause) {
    throw new UnSAMError("E_IO", `${folder} cannot be read; a data set has folders images/ and labels/.`, {
      cause,
    });
  }
}
