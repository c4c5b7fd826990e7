import { UnSAMError } from "../errors.js";
import { checkMaskSize, wordsPerRow } from "../mask/index.js";

/** More masks than any scene has; all pairs of them are half a gigabyte of counts. */
export const MAX_MASKS = 16_384;

/**
 * Bit-packed masks of one size behind each other, each in the layout of `Mask`: mask k starts at word
 * `k · height · ceil(width / 32)`. Plain data, so that it crosses threads and the native boundary as it is.
 */
export interface MaskStack {
  readonly count: number;
  readonly width: number;
  readonly height: number;
  /** [count, height, ceil(width / 32)] */
  readonly words: Uint32Array;
}

/** Throws `E_BAD_PROMPT` where counts or sizes are impossible or the words are not as many as they say. */
export function checkMaskStack({ count, width, height, words }: MaskStack): void {
  checkCount(count);
  checkMaskSize(width, height);
  const stride = wordsPerRow(width);
  const expected = count * height * stride;
  if (words.length !== expected) {
    throw new UnSAMError(
      "E_BAD_PROMPT",
      `${count} masks of ${width}×${height} pixels take ${expected} words, not ${words.length}.`,
    );
  }
  const padding = width % 32 === 0 ? 0 : 0xffffffff << (width % 32);
  for (let i = stride - 1; padding !== 0 && i < expected; i += stride) {
    if ((words[i] & padding) === 0) continue;
    throw new UnSAMError(
      "E_BAD_PROMPT",
      `A mask has bits set beyond its width of ${width} pixels; clear them.`,
    );
  }
}

export function checkCount(count: number): void {
  if (Number.isInteger(count) && count >= 0 && count <= MAX_MASKS) return;
  throw new UnSAMError(
    "E_BAD_PROMPT",
    `${count} masks cannot be fused at once; give from 0 to ${MAX_MASKS}, best ones first.`,
  );
}

/** Throws `E_BAD_PROMPT` unless there is one finite number for each mask. */
export function checkPerMask(name: string, values: ArrayLike<number>, count: number): void {
  if (values.length !== count) {
    throw new UnSAMError(
      "E_BAD_PROMPT",
      `There are ${values.length} ${name} for ${count} masks; give one each.`,
    );
  }
  for (let i = 0; i < count; i++) {
    if (!Number.isFinite(values[i])) {
      throw new UnSAMError("E_BAD_PROMPT", `Number ${i} of the ${name} is ${values[i]}; it must be finite.`);
    }
  }
}

/** The chosen masks, in the order given. Copies. */
export function selectMasks(stack: MaskStack, chosen: ArrayLike<number>): MaskStack {
  const { width, height } = stack;
  const size = height * wordsPerRow(width);
  const words = new Uint32Array(chosen.length * size);
  for (let i = 0; i < chosen.length; i++) {
    words.set(stack.words.subarray(chosen[i] * size, (chosen[i] + 1) * size), i * size);
  }
  return { count: chosen.length, width, height, words };
}
