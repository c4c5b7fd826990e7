import { UnSAMError } from "../errors.js";

/** More than any image this library decodes, few enough that every index is a 32-bit integer. */
const MAX_PIXELS = 2 ** 31 - 1;

/** Throws `E_BAD_PROMPT` where no mask can have this many columns and rows. */
export function checkMaskSize(width: number, height: number): void {
  const sound = Number.isInteger(width) && Number.isInteger(height) && width >= 1 && height >= 1;
  if (sound && width * height <= MAX_PIXELS) return;
  throw new UnSAMError(
    "E_BAD_PROMPT",
    `A mask cannot be ${width}×${height} pixels; both sides are whole numbers from 1.`,
  );
}
