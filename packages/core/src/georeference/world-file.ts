import path from "node:path";
import { UnSAMError } from "../errors.js";
import { type GeoTransform, isSound } from "./transform.js";

/** Names under which the world file of a photo may lie beside it: photo.tfw, photo.tifw, photo.tif.wld, photo.wld … */
export function worldFileNames(photo: string): string[] {
  const { dir, name, ext } = path.parse(photo);
  const end = ext.slice(1).toLowerCase();
  const short = end.length > 2 ? `${end[0]}${end.at(-1)}w` : `${end}w`;
  const names = [`${name}.${short}`, `${name}.${end}w`, `${name}${ext}w`, `${name}.wld`, `${name}${ext}.wld`];
  const both = names.flatMap((one) => [one, one.slice(0, -3) + one.slice(-3).toUpperCase()]);
  return [...new Set(both)].map((one) => path.join(dir, one));
}

/**
 * A world file: six numbers, a line each, A, D, B, E, C, F. The centre (!) of the upper left pixel lies at C, F; a pixel
 * to the right is A, D farther, one down B, E. Throws `E_BAD_FILE`; `name` begins the sentence.
 */
export function parseWorldFile(text: string, name: string): GeoTransform {
  const parts = text.trim().split(/\s+/, 7);
  // Some programs write a decimal comma.
  const [a, d, b, e, c, f] = parts.map((part) => (part === "" ? Number.NaN : Number(part.replace(",", "."))));
  const coefficients = [a, b, c - (a + b) / 2, d, e, f - (d + e) / 2] as const;
  if (parts.length === 6 && isSound(coefficients)) return { coefficients, epsg: null };
  throw new UnSAMError(
    "E_BAD_FILE",
    `${name} is no world file: it must hold six numbers that place an image, a line each.`,
  );
}
