import type { PngOptions, Sharp } from "sharp";

/**
 * The picture as a PNG file, in an ordinary buffer of its own. A buffer of sharp lies in memory of sharp, and Node 22 and
 * later refuse to move such a one to another thread.
 */
export async function toPNG(picture: Sharp, options?: PngOptions): Promise<Buffer<ArrayBuffer>> {
  return Buffer.from(Uint8Array.from(await picture.png(options).toBuffer()).buffer);
}
