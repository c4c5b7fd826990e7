import path from "node:path";
import { UnSAMError } from "@unsam/core/errors";
import { readFileBytes, reasonOf, shown } from "@unsam/core/files";
import { foreignKind, formatOf } from "@unsam/core/image";
import { Mask } from "@unsam/core/mask";
import sharp from "sharp";
import { regionsByImage } from "../coco/annotations.js";
import { cocoRegions } from "../coco/regions-of-photo.js";
import type { Size } from "../dataset.js";
import { readJson } from "../files.js";
import type { LabelMap } from "../label-maps/read-label-map.js";
import type { Notes } from "../notes.js";
import { Regions } from "../regions.js";
import { isBmpName, readBmp } from "./read-bmp.js";
import { type MatArray, type MatNumbers, readMat } from "./read-mat.js";

/** Regions of one photo, and the pixels that count (null: all). */
export interface ReadRegions {
  readonly regions: Regions;
  readonly counted: Mask | null;
}

/** Of GrabCut and Berkeley: above it lies the object, at it what is not decided. */
const UNDECIDED = 128;

/**
 * A picture of one object, region 1. `grabcut`: what is brighter than 128 in the blue channel, and 128 does not count; `any`: every
 * pixel that is not black. Throws `E_BAD_FILE`, `E_BAD_IMAGE`, `E_IO`.
 */
export async function readObject(file: string, rule: "grabcut" | "any", size: Size): Promise<ReadRegions> {
  const { width, height } = size;
  const { data, channels } = await readColours(file, size);
  const inside = new Uint8Array(width * height);
  const counted = new Uint8Array(width * height).fill(1);
  for (let i = 0; i < inside.length; i++) {
    const blue = data[channels * (i + 1) - 1];
    if (rule === "any") inside[i] = data.subarray(channels * i, channels * (i + 1)).some(Boolean) ? 1 : 0;
    else {
      inside[i] = blue > UNDECIDED ? 1 : 0;
      counted[i] = blue === UNDECIDED ? 0 : 1;
    }
  }
  const mask = Mask.fromBytes(width, height, inside);
  return {
    regions: new Regions(mask.area > 0 ? new Map([[1, mask.area]]) : new Map(), () => mask),
    counted: counted.includes(0) ? Mask.fromBytes(width, height, counted) : null,
  };
}

interface Colours {
  /** [height, width, channels]: grey, or red, green and blue. */
  readonly data: Uint8Array;
  readonly channels: number;
}

/** Pixels of a picture as they are stored; its size is compared before they are decoded. */
async function readColours(file: string, size: Size): Promise<Colours> {
  const bytes = await readFileBytes(file, { what: "The mask" });
  if (isBmpName(file)) {
    const picture = readBmp(bytes, file, size.width * size.height);
    checkSize(file, picture, size);
    return { data: picture.data, channels: 3 };
  }
  if (formatOf(bytes) === null) {
    const what = foreignKind(bytes)?.what ?? "not an image that can be read";
    throw new UnSAMError("E_BAD_FILE", `The mask ${shown(file)} is ${what}.`);
  }
  const options = { limitInputPixels: size.width * size.height, ignoreIcc: true, failOn: "error" } as const;
  try {
    const { width, height } = await sharp(bytes, { ...options, limitInputPixels: false }).metadata();
    checkSize(file, { width, height }, size);
    const { data, info } = await sharp(bytes, options)
      .removeAlpha()
      .raw({ depth: "uchar" })
      .toBuffer({ resolveWithObject: true });
    return { data, channels: info.channels };
  } catch (cause) {
    if (UnSAMError.isInstance(cause)) throw cause;
    throw new UnSAMError("E_BAD_FILE", `The mask ${shown(file)} cannot be read: ${reasonOf(cause)}.`, {
      cause,
    });
  }
}

function checkSize(file: string, { width, height }: Size, size: Size): void {
  if (width === size.width && height === size.height) return;
  throw new UnSAMError(
    "E_BAD_FILE",
    `${shown(file)} is ${width}×${height}, but its photo is ${size.width}×${size.height}.`,
  );
}

/** The instances of a MAT-file of SBD, each pixel's one. Throws `E_BAD_FILE`, `E_IO`. */
export async function readInstances(file: string, size: Size): Promise<LabelMap> {
  return readMat(await readFileBytes(file, MAT_FILE), file, "GTinst", (variable) => {
    const map = variable.rows()[0]?.get("Segmentation");
    if (!map) throw new RangeError("GTinst has no Segmentation");
    return numbersOfSize(map, size);
  });
}

/** The parts of all objects of a MAT-file of Pascal-Part, numbered from 1; empty ones are noted. Throws `E_BAD_FILE`, `E_IO`. */
export async function readParts(file: string, size: Size, notes: Notes): Promise<Regions> {
  const masks = readMat(await readFileBytes(file, MAT_FILE), file, "anno", (variable) => {
    const objects = variable.rows()[0]?.get("objects");
    if (!objects) throw new RangeError("anno has no objects");
    const parts = objects.rows().flatMap((object) => object.get("parts")?.rows() ?? []);
    return parts.flatMap((part) => part.get("mask") ?? []).map((mask) => numbersOfSize(mask, size));
  });
  const made = masks.map(({ width, height, data }) => Mask.fromBytes(width, height, data));
  const areas = new Map<number, number>();
  for (const [k, { area }] of made.entries()) {
    if (area > 0) areas.set(k + 1, area);
    else notes.add("left-out", "part without a pixel", "there is nothing to click", path.parse(file).name);
  }
  return new Regions(areas, (region) => made[region - 1]);
}

const MAT_FILE = { what: "The MAT-file" };

function numbersOfSize(array: MatArray, size: Size): MatNumbers {
  const numbers = array.numbers();
  if (numbers.width === size.width && numbers.height === size.height) return numbers;
  throw new RangeError(
    `it is ${numbers.width}×${numbers.height}, but its photo is ${size.width}×${size.height}`,
  );
}

/** The masks of one photo of SA-1B, from its JSON. Throws `E_BAD_FILE`, `E_IO`. */
export async function readSa1b(file: string, size: Size, notes: Notes): Promise<Regions> {
  const content = (await readJson(file)) as Record<string, unknown> | null;
  const { image, annotations } = content ?? {};
  const { width, height } = (image ?? {}) as Record<string, unknown>;
  if (!Array.isArray(annotations) || typeof width !== "number" || typeof height !== "number") {
    throw new UnSAMError(
      "E_BAD_FILE",
      `${shown(file)} is no JSON of SA-1B: it has no image with width and height, or no list annotations.`,
    );
  }
  checkSize(file, { width, height }, size);
  const key = path.parse(file).name;
  const listed = { key, fileName: key, stated: size };
  const own = annotations.map((one) => ({ ...(one as object), image_id: key }));
  const coco = { images: new Map([[key, listed]]), annotations: own };
  const about = { title: null, licence: null, citation: null, homepage: null };
  return cocoRegions(regionsByImage({ ...coco, ...about }, file, notes).get(key) ?? [], size, size, notes);
}
