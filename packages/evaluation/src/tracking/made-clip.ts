import type { RgbImage } from "@unsam/core/image";
import { Mask } from "@unsam/core/mask";
import { randomNumbers, seedFor } from "../random.js";

/** What is hard about a clip. */
export const CLIP_KINDS = [
  "shift",
  "scale",
  "turn",
  "light",
  "bend",
  "camera",
  "occlusion",
  "everything",
] as const;
export type ClipKind = (typeof CLIP_KINDS)[number];

/** Something to cut out of a photo. */
export interface CutOut {
  readonly photo: RgbImage;
  readonly mask: Mask;
}

export interface ClipParts {
  readonly object: CutOut;
  readonly background: RgbImage;
  /** Passes in front of the object, where the kind of clip has something that does. */
  readonly occluder: RgbImage;
}

export interface ClipPlan {
  readonly kind: ClipKind;
  readonly seed: number;
  readonly width: number;
  readonly height: number;
  readonly frames: number;
}

/** A made frame, and where the object can be seen in it. */
export interface MadeFrame {
  readonly image: RgbImage;
  readonly truth: Mask;
}

/**
 * An object of one photo moving over another, with exact truth: the same frames for the same photos and seed, on every machine.
 * Frames are made when they are asked for.
 */
export class MadeClip {
  readonly plan: ClipPlan;
  readonly #parts: ClipParts;
  readonly #moves: Moves;
  readonly #cut: Cut;

  constructor(parts: ClipParts, plan: ClipPlan) {
    this.plan = plan;
    this.#parts = parts;
    this.#cut = cutOf(parts.object.mask);
    this.#moves = movesOf(plan, randomNumbers(seedFor(plan.seed, plan.kind)));
  }

  frame(index: number): MadeFrame {
    const { width, height, frames, seed } = this.plan;
    const t = frames > 1 ? index / (frames - 1) : 0;
    const moves = this.#moves;
    const data = new Uint8Array(3 * width * height);
    const truth = new Uint8Array(width * height);
    const colour = [0, 0, 0];
    const noise = randomNumbers(seedFor(seed, `noise ${index}`));
    const place = placeOf(moves, t, this.#cut);
    const hidden = moves.occluder && occluderAt(moves, t);
    const light = 1 + moves.light * Math.sin(Math.PI * t);
    const { object, background, occluder } = this.#parts;
    const camera = cameraOf(moves, t, background, this.plan);
    for (let y = 0, i = 0; y < height; y++) {
      for (let x = 0; x < width; x++, i++) {
        sample(background, camera.x + x * camera.zoom, camera.y + y * camera.zoom, colour);
        const [u, v] = place(x + 0.5, y + 0.5);
        const share = shareAt(object.mask, u, v);
        if (share > 0) {
          const behind = [...colour];
          sample(object.photo, u - 0.5, v - 0.5, colour);
          for (let c = 0; c < 3; c++) colour[c] = share * colour[c] + (1 - share) * behind[c];
        }
        truth[i] = share >= 0.5 ? 1 : 0;
        if (hidden && x >= hidden.left && x < hidden.right) {
          sample(occluder, x - hidden.left, y, colour);
          truth[i] = 0;
        }
        for (let c = 0; c < 3; c++) {
          // Of a camera: ±2 steps.
          const value = colour[c] * light + 4 * noise() - 2;
          data[3 * i + c] = Math.min(255, Math.max(0, Math.round(value)));
        }
      }
    }
    return { image: { data, width, height }, truth: Mask.fromBytes(width, height, truth) };
  }
}

/** Where the object lies in its photo. */
interface Cut {
  readonly x: number;
  readonly y: number;
  /** Square root of its area. */
  readonly side: number;
}

function cutOf(mask: Mask): Cut {
  const { x, y, width, height } = mask.bbox;
  return { x: x + width / 2, y: y + height / 2, side: Math.sqrt(mask.area) };
}

/** What a clip does, drawn once. Lengths in pixels of the clip, angles in radians, from the first frame to the last. */
interface Moves {
  readonly side: number;
  readonly from: readonly [number, number];
  readonly by: readonly [number, number];
  readonly sway: number;
  readonly growth: number;
  readonly turn: number;
  readonly light: number;
  readonly bend: number;
  readonly camera: readonly [number, number];
  readonly zoom: number;
  readonly occluder: { readonly width: number; readonly from: number; readonly by: number } | null;
}

function movesOf({ kind, width, height }: ClipPlan, random: () => number): Moves {
  const has = (one: ClipKind) => kind === one || kind === "everything";
  const between = (least: number, most: number) => least + (most - least) * random();
  const sign = () => (random() < 0.5 ? -1 : 1);
  const side = between(0.2, 0.32) * height;
  const right = sign();
  const span = between(0.3, 0.5) * width;
  const drop = between(-0.2, 0.2) * height;
  const by: [number, number] = [right * span, drop];
  const moves = {
    side,
    by,
    from: [width / 2 - by[0] / 2, height / 2 - by[1] / 2] as const,
    sway: between(0.02, 0.06) * height,
    growth: between(1.3, 1.6) ** sign(),
    turn: sign() * between(0.5, 0.9),
    light: sign() * between(0.25, 0.4),
    bend: between(0.05, 0.08),
    camera: [sign() * between(0.1, 0.2) * width, sign() * between(0.03, 0.08) * height] as const,
    zoom: between(0.9, 1.1),
    hiding: between(1.1, 1.5),
  };
  // Things are drawn in the same order for each kind, so that kinds differ in what is hard alone.
  const bar = moves.hiding * side * 1.6;
  return {
    ...moves,
    growth: has("scale") ? moves.growth : 1,
    turn: has("turn") ? moves.turn : 0,
    light: has("light") ? moves.light : 0,
    bend: has("bend") ? moves.bend : 0,
    camera: has("camera") ? moves.camera : [0, 0],
    zoom: has("camera") ? moves.zoom : 1,
    // It comes towards the object, and meets it in the middle of the clip.
    occluder: has("occlusion")
      ? { width: bar, from: width / 2 - bar / 2 + right * 0.8 * width, by: -right * 1.6 * width }
      : null,
  };
}

/** From a place in the frame to one in the object's photo. */
function placeOf(moves: Moves, t: number, cut: Cut): (x: number, y: number) => readonly [number, number] {
  const cx = moves.from[0] + moves.by[0] * t;
  const cy = moves.from[1] + moves.by[1] * t + moves.sway * Math.sin(2 * Math.PI * t);
  const size = (moves.side / cut.side) * moves.growth ** (t - 0.5);
  const cos = Math.cos(moves.turn * (t - 0.5)) / size;
  const sin = Math.sin(moves.turn * (t - 0.5)) / size;
  const wave = 2 * Math.PI * t;
  return (x, y) => {
    const dx = x - cx;
    const dy = y - cy;
    const bx =
      moves.bend * moves.side * Math.sin((3 * dy) / moves.side + 2 * wave) -
      moves.bend * moves.side * Math.sin(2 * wave);
    return [cut.x + cos * (dx + bx) + sin * dy, cut.y - sin * (dx + bx) + cos * dy];
  };
}

function occluderAt({ occluder }: Moves, t: number): { left: number; right: number } | null {
  if (occluder === null) return null;
  const left = occluder.from + occluder.by * t;
  return { left, right: left + occluder.width };
}

function cameraOf(moves: Moves, t: number, background: RgbImage, { width, height }: ClipPlan) {
  // As much of the photo as fits with room for the camera's way.
  const room = 1.25;
  const fit = Math.min(background.width / (width * room), background.height / (height * room));
  const zoom = fit * moves.zoom ** (t - 0.5);
  return {
    zoom,
    x: (background.width - zoom * width) / 2 + zoom * moves.camera[0] * (t - 0.5),
    y: (background.height - zoom * height) / 2 + zoom * moves.camera[1] * (t - 0.5),
  };
}

/**
 * The colour at a place, bilinear; outside, that of the nearest pixel. Written without the tracker's `sampled`, which is what is
 * measured here.
 */
function sample({ data, width, height }: RgbImage, x: number, y: number, out: number[]): void {
  const u = Math.min(width - 1, Math.max(0, x));
  const v = Math.min(height - 1, Math.max(0, y));
  const left = Math.floor(u);
  const top = Math.floor(v);
  const fx = u - left;
  const fy = v - top;
  const p = 3 * (top * width + left);
  const right = left + 1 < width ? 3 : 0;
  const below = top + 1 < height ? 3 * width : 0;
  for (let c = 0; c < 3; c++) {
    const upper = data[p + c] * (1 - fx) + data[p + right + c] * fx;
    const lower = data[p + below + c] * (1 - fx) + data[p + below + right + c] * fx;
    out[c] = upper * (1 - fy) + lower * fy;
  }
}

/** How much of the mask lies at a place, bilinear. */
function shareAt(mask: Mask, u: number, v: number): number {
  const x = Math.floor(u - 0.5);
  const y = Math.floor(v - 0.5);
  if (x < -1 || y < -1 || x >= mask.width || y >= mask.height) return 0;
  const fx = u - 0.5 - x;
  const fy = v - 0.5 - y;
  const bit = (bx: number, by: number) =>
    bx < 0 || by < 0 || bx >= mask.width || by >= mask.height
      ? 0
      : (mask.words[by * mask.stride + (bx >> 5)] >>> (bx & 31)) & 1;
  return (
    (bit(x, y) * (1 - fx) + bit(x + 1, y) * fx) * (1 - fy) +
    (bit(x, y + 1) * (1 - fx) + bit(x + 1, y + 1) * fx) * fy
  );
}
