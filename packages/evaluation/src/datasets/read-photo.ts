import { UnSAMError } from "@unsam/core/errors";
import { readFileBytes, shown } from "@unsam/core/files";
import { decodeImage, type RgbImage, readHeaderOfFile } from "@unsam/core/image";
import { withoutUndefined } from "@unsam/core/options";
import { isBmpName, readBmp } from "./benchmarks/read-bmp.js";
import { type DatasetImage, type Size, unpackRegions } from "./dataset.js";
import { labelMapSize } from "./label-maps/read-label-map.js";
import { type Note, Notes } from "./notes.js";

export interface Photo {
  readonly photo: RgbImage;
  readonly notes: readonly Note[];
}

export interface ReadPhotoOptions {
  /** Larger photos are refused before they are decoded (default 100 million). */
  readonly maxPixels?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The photo of an image as those who annotated it saw it. EXIF may ask for the pixels to be turned, and annotation tools
 * differ in whether they do: the size that the annotations refer to tells. Where it cannot tell (an image turned upside
 * down or mirrored, a square), or where it is no size of this photo, not even in another resolution, the photo is
 * refused, for its regions would lie elsewhere. Throws `E_BAD_IMAGE`, `E_BAD_FILE`, `E_IO`.
 */
export async function readPhoto(
  image: DatasetImage,
  { maxPixels, signal }: ReadPhotoOptions = {},
): Promise<Photo> {
  if (isBmpName(image.file)) {
    const bytes = await readFileBytes(image.file, { what: "The photo", signal });
    return { photo: readBmp(bytes, image.file, maxPixels), notes: [] };
  }
  const notes = new Notes();
  const header = await headerOf(image.file, signal);
  const upright = header.orientation <= 1 || (await wasTurned(image, header));
  if (!upright) {
    const why = "annotations of its size refer to the pixels as they are stored";
    notes.add("adapted", "photo that EXIF asks to turn", why, image.name);
  }
  const photo = await decodeImage(image.file, { upright, ...withoutUndefined({ maxPixels, signal }) });
  if (image.stated && !resemble(image.stated, photo)) {
    const { width, height } = image.stated;
    throw new UnSAMError(
      "E_BAD_FILE",
      `${shown(image.file)} is ${photo.width}×${photo.height}, but its annotations are for ${width}×${height}; give the photo that was annotated.`,
    );
  }
  return { photo, notes: notes.list() };
}

interface Header {
  readonly stored: Size;
  /** Of EXIF: 1 upright, 2 to 4 mirrored or upside down, 5 to 8 sideways. */
  readonly orientation: number;
}

/** Whether those who annotated the photo saw it as EXIF asks. Throws `E_BAD_IMAGE` where nothing tells. */
async function wasTurned(image: DatasetImage, { stored, orientation }: Header): Promise<boolean> {
  const size = await annotatedSize(image);
  const turned = orientation >= 5 ? { width: stored.height, height: stored.width } : stored;
  if (size) {
    const same = (other: Size) => size.width === other.width && size.height === other.height;
    for (const alike of [same, (other: Size) => resemble(size, other)]) {
      if (alike(turned) !== alike(stored)) return alike(turned);
    }
  }
  throw new UnSAMError(
    "E_BAD_IMAGE",
    `${shown(image.file)} is to be turned (EXIF orientation ${orientation}), and whether its annotations are for the turned photo cannot be told; save it upright.`,
  );
}

/** Whether one size is the other in another resolution, to a pixel of rounding. */
export function resemble(a: Size, b: Size): boolean {
  return (
    Math.abs(b.height - (a.height * b.width) / a.width) <= 1 ||
    Math.abs(b.width - (a.width * b.height) / a.height) <= 1
  );
}

/** The size that the annotations of an image refer to; null: nothing tells. */
async function annotatedSize({ stated, annotations }: DatasetImage): Promise<Size | null> {
  if (stated) return stated;
  for (const source of annotations) {
    if (source.kind === "labels") return labelMapSize(source.file);
    if (source.kind !== "masks") continue;
    for (const { segmentation } of unpackRegions(source.regions)) {
      if (!("size" in segmentation) || !Array.isArray(segmentation.size)) continue;
      const [height, width] = segmentation.size;
      if (width > 0 && height > 0) return { width, height };
    }
  }
  return null;
}

async function headerOf(file: string, signal: AbortSignal | undefined): Promise<Header> {
  const { width, height, orientation = 1 } = await readHeaderOfFile(file, { what: "The photo", signal });
  return { stored: { width, height }, orientation };
}
