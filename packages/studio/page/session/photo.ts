import { stepFor } from "../masks/bitmap.ts";
import { DrawnMasks } from "../masks/drawn.ts";

/** A photo that is open. */
export interface OpenPhoto {
  readonly name: string;
  /** As it was given: for the models. */
  readonly blob: Blob;
  /** The same in a format of the browser's, at full size. */
  readonly pixels: Blob;
  readonly width: number;
  readonly height: number;
  /** What is drawn: the photo, of large ones a smaller picture. */
  readonly picture: ImageBitmap;
  /** Every how many pixels one of a mask is drawn. */
  readonly step: number;
  readonly masks: DrawnMasks;
  /** Its name at the service, once the model has encoded it. */
  readonly id: string | null;
}

/** A larger picture would take hundreds of megabytes; masks keep the photo's size. */
const MOST_PICTURE_PIXELS = 12_000_000;

/** Decodes a photo for the screen; `view` makes a PNG of what the browser cannot decode. Throws what `view` throws. */
export async function decodePhoto(
  name: string,
  blob: Blob,
  view: (blob: Blob) => Promise<Blob>,
): Promise<OpenPhoto> {
  const own = await createImageBitmap(blob).catch(() => null);
  const pixels = own ? blob : await view(blob);
  const whole = own ?? (await createImageBitmap(pixels));
  const { width, height } = whole;
  const step = stepFor({ width, height });
  const scale = Math.sqrt(MOST_PICTURE_PIXELS / (width * height));
  const size = { resizeWidth: Math.round(width * scale), resizeHeight: Math.round(height * scale) };
  const picture = scale < 1 ? await createImageBitmap(whole, { ...size, resizeQuality: "medium" }) : whole;
  if (picture !== whole) whole.close();
  const masks = new DrawnMasks({ width, height }, step);
  return { name, blob, pixels, width, height, picture, step, masks, id: null };
}
