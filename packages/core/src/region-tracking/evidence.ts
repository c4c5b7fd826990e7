import { binOf, type Colours, preference } from "./colour-model.js";
import type { FoundMotion } from "./find-motion.js";
import { type Box, boxOf, type Coverage, type FrameLook, type LookLevel } from "./look.js";
import { inverse } from "./similarity.js";
import { sampled, sampledCoverage } from "./warp.js";

/** What speaks for each pixel of a box being the object's, as logits. */
export interface Evidence {
  /** In pixels of the look. */
  readonly box: Box;
  /** Where the object's shape would be after its motion, 0 … 1. */
  readonly shape: Float32Array;
  /** From the distance to that shape's border. */
  readonly place: Float32Array;
  /** From colours, and from which of the two motions explains the pixel. */
  readonly looks: Float32Array;
  /** Share of the shape whose pixels look as they did before. */
  readonly support: number;
}

export interface EvidenceInput {
  /** The earlier look, and the object's whole shape in it. */
  readonly from: FrameLook;
  readonly shape: Coverage;
  readonly to: FrameLook;
  readonly object: FoundMotion;
  readonly background: FoundMotion;
  readonly inside: Colours;
  readonly outside: Colours;
  /** How far the border may be off, pixels of the look. */
  readonly slack: number;
}

/** Logit of a place for one `slack` of distance from the border. */
const PLACE_WEIGHT = 1.2;
const MOST_PLACE = 5;
const COLOUR_WEIGHT = 0.5;
const MOST_COLOUR = 2;
/** Steps of colour difference for one logit. */
const DIFFERENCE_UNIT = 10;
const MOST_MOTION = 2.5;
/** What a motion that tells nothing about a pixel is taken to be off by, steps of colour. */
const UNKNOWN = 14;
/** A pixel that is off by less looks as it did before. */
const SAME = 16;

/** null: the shape has left the frame. */
export function gatherEvidence(input: EvidenceInput): Evidence | null {
  const { from, shape, to, object, background, slack } = input;
  const level = to.levels[0];
  const back = inverse(object.motion);
  const whole = { x0: 0, y0: 0, x1: level.width, y1: level.height };
  const moved: Coverage = {
    ...whole,
    width: level.width,
    height: level.height,
    data: sampledCoverage(shape, back, whole),
  };
  const tight = boxOf(moved, 0.5);
  if (tight === null) return null;
  const box = grownWithin(tight, Math.ceil(4 * slack + 4), level);
  const there = sampledCoverage(shape, back, box);
  const away = inverse(background.motion);
  const wasInside = sampledCoverage(shape, away, box);
  const asObject = differences(level, box, from.levels[0], back, object.light);
  const asBackground = differences(level, box, from.levels[0], away, background.light);
  const prefers = preference(input.inside, input.outside);
  const distance = signedDistance(there, box.x1 - box.x0, box.y1 - box.y0);
  const place = new Float32Array(there.length);
  const looks = new Float32Array(there.length);
  let same = 0;
  let all = 0;
  for (let y = box.y0, i = 0; y < box.y1; y++) {
    for (let x = box.x0; x < box.x1; x++, i++) {
      place[i] = clip((PLACE_WEIGHT * distance[i]) / slack, MOST_PLACE);
      const colour = clip(COLOUR_WEIGHT * prefers[binOf(level, y * level.width + x)], MOST_COLOUR);
      const own = there[i] >= 0.5 ? asObject[i] : UNKNOWN;
      const other = wasInside[i] < 0.5 ? asBackground[i] : UNKNOWN;
      looks[i] = colour + clip((other - own) / DIFFERENCE_UNIT, MOST_MOTION);
      if (there[i] >= 0.5) {
        all++;
        if (asObject[i] < SAME) same++;
      }
    }
  }
  return { box, shape: there, place, looks, support: same / Math.max(1, all) };
}

function clip(value: number, most: number): number {
  return value > most ? most : value < -most ? -most : value;
}

function grownWithin({ x0, y0, x1, y1 }: Box, by: number, { width, height }: LookLevel): Box {
  return {
    x0: Math.max(0, x0 - by),
    y0: Math.max(0, y0 - by),
    x1: Math.min(width, x1 + by),
    y1: Math.min(height, y1 + by),
  };
}

/**
 * How unlike each pixel of the later look is to what lies at `back` of it in the earlier one, steps of colour: the least
 * over 3 × 3 places, since motions are off by a pixel here and there.
 */
function differences(
  later: LookLevel,
  box: Box,
  earlier: LookLevel,
  back: Parameters<typeof sampled>[1],
  light: number,
): Float32Array {
  const wide = { x0: box.x0 - 1, y0: box.y0 - 1, x1: box.x1 + 1, y1: box.y1 + 1 };
  const before = sampled(earlier, back, wide);
  const stride = wide.x1 - wide.x0;
  const out = new Float32Array((box.x1 - box.x0) * (box.y1 - box.y0));
  for (let y = box.y0, i = 0; y < box.y1; y++) {
    for (let x = box.x0; x < box.x1; x++, i++) {
      const p = 3 * (y * later.width + x);
      let least = Number.POSITIVE_INFINITY;
      for (let dy = 0; dy < 3; dy++) {
        let q = 3 * ((y - box.y0 + dy) * stride + x - box.x0);
        for (let dx = 0; dx < 3; dx++, q += 3) {
          const difference =
            0.7 * Math.abs(later.lab[p] - before[q] - light) +
            Math.abs(later.lab[p + 1] - before[q + 1]) +
            Math.abs(later.lab[p + 2] - before[q + 2]);
          if (difference < least) least = difference;
        }
      }
      out[i] = least;
    }
  }
  return out;
}

/** Distance of each pixel to the border of what is covered, positive inside, [height, width] (two passes, 3 : 4 chamfer). */
export function signedDistance(coverage: Float32Array, width: number, height: number): Float32Array {
  const inside = chamfer(coverage, width, height, (share) => share < 0.5);
  const outside = chamfer(coverage, width, height, (share) => share >= 0.5);
  // The border runs between pixels, half of one from either centre.
  return inside.map((value, i) => (coverage[i] >= 0.5 ? value - 0.5 : 0.5 - outside[i]));
}

/** Distance to the nearest pixel that `is`; a large number where there is none. */
function chamfer(
  coverage: Float32Array,
  width: number,
  height: number,
  is: (share: number) => boolean,
): Float32Array {
  const out = new Float32Array(width * height).fill(1e4);
  const lower = (at: number, value: number) => {
    if (value < out[at]) out[at] = value;
  };
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      if (is(coverage[i])) {
        out[i] = 0;
        continue;
      }
      if (x > 0) lower(i, out[i - 1] + 1);
      if (y === 0) continue;
      lower(i, out[i - width] + 1);
      if (x > 0) lower(i, out[i - width - 1] + 4 / 3);
      if (x < width - 1) lower(i, out[i - width + 1] + 4 / 3);
    }
  }
  for (let y = height - 1, i = width * height - 1; y >= 0; y--) {
    for (let x = width - 1; x >= 0; x--, i--) {
      if (x < width - 1) lower(i, out[i + 1] + 1);
      if (y === height - 1) continue;
      lower(i, out[i + width] + 1);
      if (x < width - 1) lower(i, out[i + width + 1] + 4 / 3);
      if (x > 0) lower(i, out[i + width - 1] + 4 / 3);
    }
  }
  return out;
}
