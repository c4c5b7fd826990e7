import type { Engine, EngineVideo, VideoOptions } from "@unsam/core/engine";
import { UnSAMError } from "@unsam/core/errors";
import { shown } from "@unsam/core/files";
import { decodeImage } from "@unsam/core/image";
import { Mask } from "@unsam/core/mask";
import { withoutUndefined } from "@unsam/core/options";
import { type AnnotatedClip, type FrameTruth, readFrameTruth } from "../datasets/clips/open-clips.js";
import { contourAccuracy } from "../metrics/contour-accuracy.js";
import { maskIou, mean } from "../metrics/iou.js";
import { type SequenceStatistics, sequenceStatistics } from "../metrics/sequence-statistics.js";

/** An object of a clip. */
export interface ObjectScores {
  readonly clip: string;
  readonly object: string;
  /** Frames that are scored. */
  readonly frames: number;
  /** Region similarity: IoU. */
  readonly J: SequenceStatistics;
  /** Contour accuracy. */
  readonly F: SequenceStatistics;
}

/** Over all objects, each counted once. */
export interface ClipsReport {
  readonly objects: readonly ObjectScores[];
  /** Mean of the means of J and F. */
  readonly JandF: number;
  readonly J: SequenceStatistics;
  readonly F: SequenceStatistics;
}

export interface ScoreClipOptions {
  readonly signal?: AbortSignal | undefined;
  /** Larger frames are refused before they are decoded (default 100 million). */
  readonly maxPixels?: number | undefined;
  /** A frame more is begun. */
  readonly onFrame?: (() => void) | undefined;
}

export interface EvaluateClipsOptions extends ScoreClipOptions {
  readonly onClip?: ((name: string) => void) | undefined;
}

/** What is said of the objects of a clip. */
export interface ClipScores {
  readonly objects: readonly ObjectScores[];
  /** Objects without a frame to score: they are annotated on fewer than three. */
  readonly notScored: readonly string[];
}

/**
 * Follows the objects of annotated clips, each from the mask of the first frame that shows it (semi-supervised), and scores them
 * as DAVIS does: on annotated frames after the first and before the last. Throws `E_BAD_FILE`, `E_UNSUPPORTED`.
 */
export async function evaluateClips(
  engine: Engine,
  clips: readonly AnnotatedClip[],
  { onClip, ...options }: EvaluateClipsOptions = {},
): Promise<ClipsReport> {
  const objects: ObjectScores[] = [];
  for (const clip of clips) {
    onClip?.(clip.name);
    objects.push(...(await scoreClipObjects(engine, clip, options)).objects);
  }
  const report = overObjects(objects);
  if (report !== null) return report;
  throw new UnSAMError(
    "E_BAD_FILE",
    "No object of these clips is annotated on three frames or more; there is nothing to score.",
  );
}

/** Means over objects; null: there are none. */
export function overObjects(objects: readonly ObjectScores[]): ClipsReport | null {
  if (objects.length === 0) return null;
  const J = meanStatistics(objects.map((one) => one.J));
  const F = meanStatistics(objects.map((one) => one.F));
  return { objects, JandF: (J.mean + F.mean) / 2, J, F };
}

/** How many frames of a clip are followed: from the first annotated one to the last. */
export function followedFrames({ annotated }: AnnotatedClip): number {
  return annotated[annotated.length - 1] - annotated[0] + 1;
}

/** Follows and scores the objects of one clip. Throws `E_BAD_FILE`, `E_BAD_IMAGE`, `E_IO`, `E_UNSUPPORTED`. */
export async function scoreClipObjects(
  engine: Engine,
  clip: AnnotatedClip,
  { signal, maxPixels, onFrame }: ScoreClipOptions = {},
): Promise<ClipScores> {
  if (!engine.openVideo) {
    throw new UnSAMError(
      "E_UNSUPPORTED",
      `${engine.info.name} follows no objects through videos; give another model.`,
    );
  }
  const decode = (at: number) => decodeImage(clip.frames[at], withoutUndefined({ signal, maxPixels }));
  const { width, height } = await decode(clip.annotated[0]);
  const size = { width, height };
  const read = async (at: number) => {
    const frame = await decode(at);
    if (frame.width === width && frame.height === height) return frame;
    throw new UnSAMError(
      "E_BAD_FILE",
      `${shown(clip.frames[at])} is ${frame.width}×${frame.height}, but ${shown(clip.frames[clip.annotated[0]])} of the same video ${width}×${height}.`,
    );
  };
  const source = { ...size, length: clip.frames.length, read };
  const video = await engine.openVideo(source, optionsFor(clip), { signal });
  try {
    const takesGranularity = engine.info.capabilities.granularity;
    return await follow(video, clip, { size, takesGranularity, onFrame, signal });
  } finally {
    await video.dispose();
  }
}

/** In a map of labels no two objects share a pixel. */
function optionsFor({ layout }: AnnotatedClip): VideoOptions {
  return {
    keepCorrections: true,
    nonOverlapping: layout === "davis",
    maxHoleArea: 0,
    history: 64,
    maxConditioningFrames: Number.POSITIVE_INFINITY,
    memoryStride: 1,
    memoryPrecision: "bfloat16",
    memory: "auto",
    maxFeatureBytes: 2 ** 26,
    spill: null,
  };
}

interface Following {
  readonly size: { readonly width: number; readonly height: number };
  readonly takesGranularity: boolean;
  readonly onFrame: (() => void) | undefined;
  readonly signal: AbortSignal | undefined;
}

async function follow(
  video: EngineVideo,
  clip: AnnotatedClip,
  { size, takesGranularity, onFrame, signal }: Following,
): Promise<ClipScores> {
  const granularity = takesGranularity ? 1 : null;
  const levels = new Map<number, number | null>();
  const known = new Map<string, { id: number; annotated: number[]; J: number[]; F: number[] }>();
  const isAnnotated = new Set(clip.annotated);
  for (let at = clip.annotated[0]; at <= clip.annotated[clip.annotated.length - 1]; at++) {
    signal?.throwIfAborted();
    const truth = isAnnotated.has(at) ? await readFrameTruth(clip, at, size) : null;
    for (const [name, mask] of truth?.masks ?? []) {
      if (known.has(name) || mask.area === 0) continue;
      const id = known.size + 1;
      known.set(name, { id, annotated: [], J: [], F: [] });
      levels.set(id, granularity);
      await video.prompt(id, at, { points: [], box: null, mask, extend: false, granularity }, { signal });
    }
    onFrame?.();
    if (known.size === 0) continue;
    await video.start({ signal });
    const answers = await video.track(at, { reverse: false, granularity: levels }, { signal });
    if (answers === null || truth === null) continue;
    for (const [name, object] of known) {
      const wanted = annotatedMask(clip, truth, name, at, size);
      if (wanted === null) continue;
      const counted = (mask: Mask) => (truth.ignored ? without(mask, truth.ignored) : mask);
      const [own, other] = [counted(answers.get(object.id)!.mask), counted(wanted)];
      object.annotated.push(at);
      object.J.push(maskIou(own, other, null));
      object.F.push(contourAccuracy(own, other));
    }
  }
  const all = [...known];
  const isScored = ([, { annotated }]: (typeof all)[number]) => annotated.length > 2;
  return {
    notScored: all.filter((one) => !isScored(one)).map(([object]) => object),
    objects: all.filter(isScored).map(([object, { annotated, J, F }]) => ({
      clip: clip.name,
      object,
      frames: annotated.length - 2,
      // The first was given; the last is left out by DAVIS.
      J: sequenceStatistics(J.slice(1, -1)),
      F: sequenceStatistics(F.slice(1, -1)),
    })),
  };
}

/** An object's mask on an annotated frame, empty where a map of labels has none of it; null: nothing is said of it there. */
function annotatedMask(
  clip: AnnotatedClip,
  truth: FrameTruth,
  name: string,
  at: number,
  { width, height }: { readonly width: number; readonly height: number },
): Mask | null {
  const mask = truth.masks.get(name);
  if (mask) return mask;
  const isSaid = clip.files.some(({ frame, object }) => frame === at && (object === null || object === name));
  return isSaid ? new Mask(width, height, new Uint32Array(Math.ceil(width / 32) * height)) : null;
}

function without(mask: Mask, ignored: Mask): Mask {
  return new Mask(
    mask.width,
    mask.height,
    mask.words.map((word, i) => word & ~ignored.words[i]),
  );
}

function meanStatistics(all: readonly SequenceStatistics[]): SequenceStatistics {
  return {
    mean: mean(all.map((one) => one.mean)),
    recall: mean(all.map(({ recall }) => recall)),
    decay: mean(all.map(({ decay }) => decay)),
  };
}
