import type { Mask } from "../mask/mask.js";
import { type RegionTree, treeBuffers } from "../region-tree/tree.js";
import { blended, type Colours, coloursOf } from "./colour-model.js";
import { type Evidence, gatherEvidence } from "./evidence.js";
import { type FoundMotion, findMotion, guessesAnywhere } from "./find-motion.js";
import { areaOf, boxOf, type Coverage, coverageLevels, coverageOf, type FrameLook } from "./look.js";
import { outlineBy } from "./outline.js";
import { IDENTITY, inverse, type Similarity, scaleOf, shifted, xAfter, yAfter } from "./similarity.js";

/** A frame as objects are followed through it. */
export interface TreeFrame {
  readonly tree: RegionTree;
  readonly look: FrameLook;
}

/** The buffers of a frame, to move it to another thread: each array has one of its own. */
export function frameBuffers({ tree, look }: TreeFrame): ArrayBuffer[] {
  return [...treeBuffers(tree), ...look.levels.map(({ lab }) => lab.buffer as ArrayBuffer)];
}

/** What is known of an object on a frame, enough to find it on the next one. Never changed. */
export interface Sight {
  /** The last frame that showed all of it; its shape is taken from there. */
  readonly look: FrameLook;
  /** [look height, look width] */
  readonly shape: Coverage;
  /** From there to this frame. */
  readonly pose: Similarity;
  /** Of what is around it. */
  readonly background: Similarity;
  /** Pixels of the look that it moves from one frame to the next. */
  readonly velocity: readonly [x: number, y: number];
  /** Colours of the object. */
  readonly inside: Colours;
  /** Frames since it was seen; 0: it is seen. */
  readonly lostFor: number;
  /** Frames since all of it was seen. */
  readonly partlyFor: number;
}

/** What became of an object on the next frame. */
export interface Followed {
  /** null: it is lost. */
  readonly mask: Mask | null;
  /** How sure that is, 0 … 1: below ½ it is lost. */
  readonly confidence: number;
  readonly sight: Sight;
}

/** Starts from a mask that somebody gave or asked for; null where it covers nothing. */
export function firstSight(frame: TreeFrame, mask: Mask): Sight | null {
  const level = frame.look.levels[0];
  const shape = coverageOf(mask, level);
  const inside =
    coloursOf(level, (i) => (shape.data[i] >= 0.5 ? 1 : 0)) ?? coloursOf(level, (i) => shape.data[i]);
  if (inside === null) return null;
  return {
    look: frame.look,
    shape,
    pose: IDENTITY,
    background: IDENTITY,
    velocity: [0, 0],
    inside,
    lostFor: 0,
    partlyFor: 0,
  };
}

/** The border may be off by so many pixels of the look, and by this share of the object's side. */
const SLACK = 1;
const SLACK_SHARE = 0.02;
/** How far an object may jump, beside what it was seen to do: pixels of the look, and share of its side. */
const REACH = 16;
const REACH_SHARE = 0.3;
/** The same for the background. */
const BACKGROUND_REACH = 24;

/** What is less certain than that is lost; what was lost must be more certain to be found, and a shape to be taken anew. */
const LEAST_CERTAIN = 0.5;
const CERTAIN_TO_RETURN = 0.85;
const CERTAIN_TO_RENEW = 0.88;
/** What agreeing patches add to the share of pixels that look the same, at most. */
const AGREEMENT_WEIGHT = 0.4;
const MOST_AGREEMENT = 0.5;
/** Share of the shape that must be seen. */
const LEAST_VISIBLE = 0.12;
/** Seen so much of, the shape is taken anew. */
const WHOLE = 0.85;
/** After so many frames of seeing a part only, that part is taken as the object. */
const MOST_PARTLY = 15;
/** How fast its colours follow it. */
const COLOUR_RATE = 0.05;
/** A shape must keep so much of its area when it is taken anew, for each frame. */
const MOST_GROWTH = 1.25;

/** Follows an object to a frame; `distance`: how many frames further, at least 1. */
export function follow(sight: Sight, frame: TreeFrame, distance: number): Followed {
  const levels = coverageLevels(sight.shape, frame.look.levels);
  const side = Math.sqrt(Math.max(1, areaOf(sight.shape))) * scaleOf(sight.pose);
  const slack = SLACK + SLACK_SHARE * side;
  const complement = coverageLevels(opposite(sight.shape), frame.look.levels);
  const background = findMotion(sight.look, complement, frame.look, {
    guess: sight.background,
    reach: BACKGROUND_REACH,
    finest: 1,
  });
  const tryMotion = (object: FoundMotion): Try | null => {
    const outside = coloursAround(sight, frame, object.motion, side);
    const evidence = gatherEvidence({
      from: sight.look,
      shape: sight.shape,
      to: frame.look,
      object,
      background,
      inside: sight.inside,
      outside: outside ?? sight.inside,
      slack,
    });
    if (evidence === null) return null;
    const agreement = AGREEMENT_WEIGHT * Math.min(MOST_AGREEMENT, object.agreement);
    return { object, evidence, certainty: evidence.support + agreement };
  };
  const [vx, vy] = sight.velocity;
  let best: Try | null = null;
  if (sight.lostFor === 0) {
    const guess = shifted(sight.pose, vx * distance, vy * distance);
    best = tryMotion(
      findMotion(sight.look, levels, frame.look, { guess, reach: REACH + REACH_SHARE * side }),
    );
  }
  if (best === null || best.certainty < CERTAIN_TO_RETURN) {
    for (const guess of guessesAnywhere(sight.look, levels, frame.look, sight.pose)) {
      const other = tryMotion(findMotion(sight.look, levels, frame.look, { guess, reach: 0 }));
      if (other && other.certainty > Math.max(best?.certainty ?? 0, CERTAIN_TO_RETURN)) best = other;
    }
  }
  const least = sight.lostFor > 0 ? CERTAIN_TO_RETURN : LEAST_CERTAIN;
  if (best === null || best.certainty < least) return lost(sight, background, best, distance);
  const mask = outlineBy(frame.tree, best.evidence, frame.look.levels[0]);
  return taken(sight, frame, mask, best, background, distance);
}

interface Try {
  readonly object: FoundMotion;
  readonly evidence: Evidence;
  /** Share of the shape that looks as it did, and a bit for patches that agree on the motion. */
  readonly certainty: number;
}

function taken(
  sight: Sight,
  frame: TreeFrame,
  mask: Mask,
  best: Try,
  background: FoundMotion,
  distance: number,
): Followed {
  const level = frame.look.levels[0];
  const seen = coverageOf(mask, level);
  const expected = best.evidence.shape.reduce((sum, share) => sum + share, 0);
  const common = commonArea(seen, best.evidence);
  const visible = common / Math.max(1, expected);
  if (visible < LEAST_VISIBLE) return lost(sight, background, best, distance);
  const { certainty } = best;
  const confidence = Math.min(1, 0.5 + (0.5 * (certainty - LEAST_CERTAIN)) / (1 - LEAST_CERTAIN));
  const velocity =
    certainty >= CERTAIN_TO_RETURN ? velocityOf(sight, best.object.motion, distance) : sight.velocity;
  const grew = areaOf(seen) / Math.max(1, expected);
  const isWhole = visible >= WHOLE && grew <= MOST_GROWTH && certainty >= CERTAIN_TO_RENEW;
  if (isWhole || sight.partlyFor >= MOST_PARTLY) {
    const inside = coloursOf(level, (i) => (seen.data[i] >= 0.5 ? 1 : 0));
    return {
      mask,
      confidence,
      sight: {
        look: frame.look,
        shape: seen,
        pose: IDENTITY,
        background: IDENTITY,
        velocity,
        inside: inside ? blended(sight.inside, inside, COLOUR_RATE) : sight.inside,
        lostFor: 0,
        partlyFor: 0,
      },
    };
  }
  return {
    mask,
    confidence,
    sight: {
      ...sight,
      pose: best.object.motion,
      background: background.motion,
      velocity,
      lostFor: 0,
      partlyFor: sight.partlyFor + 1,
    },
  };
}

/** It goes on as it went, ever slower. */
const DAMPING = 0.85;

function lost(sight: Sight, background: FoundMotion, best: Try | null, distance: number): Followed {
  const [vx, vy] = sight.velocity;
  const damped = DAMPING ** distance;
  return {
    mask: null,
    confidence: Math.max(0.001, 0.49 * Math.min(1, (best?.certainty ?? 0) / CERTAIN_TO_RETURN)),
    sight: {
      ...sight,
      pose: shifted(sight.pose, vx * distance, vy * distance),
      background: background.motion,
      velocity: [vx * damped, vy * damped],
      lostFor: sight.lostFor + 1,
    },
  };
}

function velocityOf(sight: Sight, motion: Similarity, distance: number): [number, number] {
  const box = boxOf(sight.shape) ?? { x0: 0, y0: 0, x1: 0, y1: 0 };
  const x = (box.x0 + box.x1) / 2;
  const y = (box.y0 + box.y1) / 2;
  const frames = distance + sight.lostFor;
  const dx = (xAfter(motion, x, y) - xAfter(sight.pose, x, y)) / frames;
  const dy = (yAfter(motion, x, y) - yAfter(sight.pose, x, y)) / frames;
  return [(dx + sight.velocity[0]) / 2, (dy + sight.velocity[1]) / 2];
}

function opposite({ width, height, data }: Coverage): Coverage {
  return { width, height, data: data.map((share) => 1 - share) };
}

/** Colours of the ring around where the object would be. */
function coloursAround(sight: Sight, frame: TreeFrame, motion: Similarity, side: number): Colours | null {
  const level = frame.look.levels[0];
  const box = boxOf(sight.shape);
  if (box === null) return null;
  const back = inverse(motion);
  const margin = Math.max(6, 0.35 * side) / scaleOf(motion);
  const { width, height, data } = sight.shape;
  return coloursOf(level, (i) => {
    const x = xAfter(back, (i % level.width) + 0.5, Math.floor(i / level.width) + 0.5);
    const y = yAfter(back, (i % level.width) + 0.5, Math.floor(i / level.width) + 0.5);
    if (x < box.x0 - margin || y < box.y0 - margin || x > box.x1 + margin || y > box.y1 + margin) return 0;
    const isInside =
      x >= 0 && y >= 0 && x < width && y < height && data[Math.floor(y) * width + Math.floor(x)] > 0.1;
    return isInside ? 0 : 1;
  });
}

/** Pixels of the look that both the mask and the moved shape cover. */
function commonArea(seen: Coverage, { box, shape }: Evidence): number {
  let sum = 0;
  for (let y = box.y0, i = 0; y < box.y1; y++) {
    for (let x = box.x0; x < box.x1; x++, i++) sum += Math.min(seen.data[y * seen.width + x], shape[i]);
  }
  return sum;
}
