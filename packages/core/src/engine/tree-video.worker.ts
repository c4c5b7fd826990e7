import type { RgbImage } from "../image/rgb-image.js";
import { upsampleLogits } from "../mask/bilinear.js";
import { Mask } from "../mask/mask.js";
import type { AddonAt } from "../operations/index.js";
import {
  frameBuffers,
  lookBytes,
  lookOf,
  type RegionResult,
  RegionTracker,
  type TreeFrame,
} from "../region-tracking/index.js";
import { coverageLogits, type LearnedCues, treeBuffers } from "../region-tree/index.js";
import { keep } from "../runtime/keep.js";
import { Moved, move } from "../runtime/move.js";
import { FrameCache } from "../video/frame-cache.js";
import type { VideoPrompt } from "./engine-video.js";
import { build } from "./region-tree.worker.js";
import type { SentMask } from "./sent-mask.js";
import type { SentObject } from "./session-video.js";

// Worker side of a video on region trees. Any thread grows the tree of a frame; one thread follows the objects of a video.

interface KeptFrame extends TreeFrame {
  readonly bytes: number;
}

export interface TreeVideoSession {
  readonly tracker: RegionTracker;
  readonly frames: FrameCache<KeptFrame>;
  readonly width: number;
  readonly height: number;
}

export function openTreeVideo(
  { width, height }: { readonly width: number; readonly height: number },
  options: { readonly history: number; readonly maxHoleArea: number; readonly maxFeatureBytes: number },
) {
  const { history, maxFeatureBytes } = options;
  // Given in cells of the 256 × 256 logits, as for a network.
  const maxHoleArea = (options.maxHoleArea * width * height) / 256 ** 2;
  const tracker = new RegionTracker({ history, maxHoleArea });
  // Trees of small frames are small: without a number thousands of them would gather before they fill their bytes.
  const frames = new FrameCache<KeptFrame>(maxFeatureBytes, history);
  const session: TreeVideoSession = { tracker, frames, width, height };
  return keep(session, { gone: "This video was disposed; open it again." });
}

/** What objects are followed by on a frame. */
export async function grow(
  image: RgbImage,
  addon: AddonAt | null,
  learned: LearnedCues | null,
): Promise<Moved<TreeFrame>> {
  const { moved: tree } = await build(image, addon, learned);
  const frame = { tree, look: lookOf(image) };
  return new Moved(frame, frameBuffers(frame));
}

/** Whether a frame is still there. */
export function holds({ frames }: TreeVideoSession, at: number): boolean {
  return frames.get(at) !== null;
}

export function look({ frames }: TreeVideoSession, at: number, frame: TreeFrame): void {
  const tree = treeBuffers(frame.tree).reduce((sum, { byteLength }) => sum + byteLength, 0);
  frames.add(at, { ...frame, bytes: tree + lookBytes(frame.look) });
}

/** What all objects are on the frame after the prompt. */
export function prompt(
  session: TreeVideoSession,
  object: number,
  at: number,
  given: Omit<VideoPrompt, "mask">,
  sent: SentMask | null,
) {
  const frame = session.frames.get(at);
  if (frame === null) throw new Error(`Frame ${at} was not encoded.`);
  const mask = sent && maskOf(sent, session);
  session.tracker.prompt(object, at, frame, { ...given, mask });
  return answers(session.tracker.results(at));
}

/** The earliest prompted frame. Throws `E_BAD_PROMPT`. */
export function start({ tracker }: TreeVideoSession): number {
  tracker.check();
  return tracker.firstFrame!;
}

/** The objects there are, and whether any of them needs the frame. */
export function ask({ tracker, frames }: TreeVideoSession, at: number, next: number | null) {
  tracker.check();
  const lacksNext = next !== null && tracker.needsFrame(next) && frames.get(next) === null;
  return { objects: [...tracker.objects.keys()], needsFrame: tracker.needsFrame(at), lacksNext };
}

/** One object on a frame. */
export function track(
  { tracker, frames }: TreeVideoSession,
  object: number,
  at: number,
  how: { readonly reverse: boolean; readonly granularity: number | null },
) {
  return answers(new Map([[object, tracker.track(object, at, frames.get(at), how)]]));
}

export function clearPrompts({ tracker }: TreeVideoSession, object: number, at: number): void {
  tracker.clearPrompts(object, at);
}

export function remove({ tracker }: TreeVideoSession, object: number): void {
  tracker.objects.delete(object);
}

export function reset({ tracker }: TreeVideoSession): void {
  tracker.objects.clear();
}

/** Each pixel goes to the object that is surest to be there, the first among equals. */
export function withoutOverlap(
  masks: readonly { readonly words: Uint32Array; readonly objectScore: number }[],
) {
  const owned = masks.map(({ words }) => words.slice());
  const order = masks.map((_, i) => i).sort((a, b) => masks[b].objectScore - masks[a].objectScore || a - b);
  order.forEach((one, rank) => {
    for (const surer of order.slice(0, rank)) {
      for (let i = 0; i < owned[one].length; i++) owned[one][i] &= ~masks[surer].words[i];
    }
  });
  return move(owned, ...owned);
}

/** A mask prompt at the size of the video. */
function maskOf(sent: SentMask, { width, height }: TreeVideoSession): Mask {
  if (!("logits" in sent)) return new Mask(sent.width, sent.height, sent.words);
  const { logits } = sent;
  if (sent.width === width && sent.height === height) {
    return Mask.fromBytes(
      width,
      height,
      logits.map((logit) => (logit > 0 ? 1 : 0)),
    );
  }
  const full = upsampleLogits(logits, sent.width, width, height);
  return Mask.fromBytes(
    width,
    height,
    full.map((logit) => (logit > 0 ? 1 : 0)),
  );
}

function answers(results: ReadonlyMap<number, RegionResult>) {
  // Copies: the tracker goes on with its own.
  const sent = [...results].map(
    ([object, { mask, score, objectScore }]) =>
      ({
        object,
        words: mask.words.slice(),
        logits: coverageLogits(mask).data as Float32Array,
        score,
        objectScore,
      }) satisfies SentObject,
  );
  return move(sent, ...sent.flatMap(({ words, logits }) => [words, logits]));
}
