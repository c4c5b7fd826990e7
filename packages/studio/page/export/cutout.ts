import { eachRun } from "../masks/bitmap.ts";
import type { MaskSource } from "../masks/drawn.ts";
import type { OpenPhoto } from "../session/photo.ts";

/** The pixels of a mask at the photo's full size, as PNG; the rest is transparent, and cut off around the mask's box. */
export async function cutOut(
  { pixels, width, height }: OpenPhoto,
  { counts, bbox }: MaskSource,
): Promise<Blob> {
  const part = await createImageBitmap(pixels, bbox.x, bbox.y, bbox.width, bbox.height);
  const canvas = new OffscreenCanvas(bbox.width, bbox.height);
  const context = canvas.getContext("2d")!;
  context.drawImage(part, 0, 0);
  part.close();
  const image = context.getImageData(0, 0, bbox.width, bbox.height);
  const keep = new Uint8Array(bbox.width * bbox.height);
  eachRun(counts, { width, height }, 1, (column, from, until) => {
    for (let row = from; row < until; row++) keep[(row - bbox.y) * bbox.width + column - bbox.x] = 1;
  });
  for (let at = 0; at < keep.length; at++) if (keep[at] === 0) image.data[4 * at + 3] = 0;
  context.putImageData(image, 0, 0);
  return canvas.convertToBlob({ type: "image/png" });
}
