import { Admission } from "@unsam/core/admission";
import { UnSAMError } from "@unsam/core/errors";
import type { ImageInput, RgbImage } from "@unsam/core/image";

/** Whose masks are drawn over a photo. */
interface Masked {
  /** "mask" or "scene", for errors. */
  readonly what: string;
  readonly width: number;
  readonly height: number;
  /** The photo it was made from, where its pixels are in memory. */
  readonly source: RgbImage | null;
  /** What to tell where neither that nor a photo is there. */
  readonly missing: string;
}

/** Photos that are given for a drawing count among the pixels in flight, like those that are encoded. */
const admission = new Admission({ atOnce: 2 });

/**
 * Draws over the photo that masks belong to: over `image` where it is given, decoded when there is room for its pixels.
 * Throws `E_BAD_IMAGE` where there is none or it has another size, what `draw` throws, or the signal's reason.
 */
export function drawOverPhoto<T>(
  masked: Masked,
  image: ImageInput | undefined,
  signal: AbortSignal | undefined,
  draw: (photo: RgbImage) => Promise<T>,
): Promise<T> {
  const checked = async (photo: RgbImage | null) => {
    const { what, width, height, missing } = masked;
    if (!photo) throw new UnSAMError("E_BAD_IMAGE", missing);
    if (photo.width === width && photo.height === height) return draw(photo);
    throw new UnSAMError(
      "E_BAD_IMAGE",
      `The photo has ${photo.width} × ${photo.height} pixels, the ${what} ${width} × ${height}.`,
    );
  };
  return image === undefined ? checked(masked.source) : admission.photo(image, { signal }, checked);
}
