import type { LabPlanes } from "./lab.js";

/** Bins of the lightness histogram over 0…100. */
const BINS = 512;
/** Share of the pixels that may fall below the black point, and above the white point. */
const TAIL = 0.002;
/** Least distance of the two, in units of L, so that the noise of an even image stays noise. */
const LEAST_RANGE = 20;
/** Lightness, from 0 to 1, at which the curve is (1 + KNEE) / 2 high; small: dark steps count for more. */
const KNEE = 0.6;
/** Lightness is stretched, so chroma is too. */
const CHROMA = 1.3;

/**
 * The Lab planes as the tree compares them: lightness stretched between the image's own black and white points and
 * bent by t (1 + k) / (t + k). Steps on dark ground are lifted to what they are to the eye that adapts to the ground,
 * so that blurred borders lie where light things end rather than at half their height.
 */
export function toneMapped({ L, a, b }: LabPlanes): LabPlanes {
  const histogram = new Float64Array(BINS);
  for (let i = 0; i < L.length; i++) histogram[binOf(L[i])]++;
  const tail = TAIL * L.length;
  let black = 0;
  for (let sum = histogram[0]; sum < tail; sum += histogram[black]) black++;
  let white = BINS - 1;
  for (let sum = histogram[white]; sum < tail; sum += histogram[white]) white--;
  const low = (black / BINS) * 100;
  const range = Math.max(LEAST_RANGE, ((white + 1) / BINS) * 100 - low);
  return {
    L: L.map((value) => {
      const t = Math.min(1, Math.max(0, (value - low) / range));
      return (100 * t * (1 + KNEE)) / (t + KNEE);
    }),
    a: a.map((value) => CHROMA * value),
    b: b.map((value) => CHROMA * value),
  };
}

function binOf(lightness: number): number {
  return Math.min(BINS - 1, Math.max(0, Math.floor((lightness / 100) * BINS)));
}
