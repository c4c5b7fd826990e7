import { availableParallelism } from "node:os";
import type { Engine } from "@unsam/core/engine";
import { UnSAMError } from "@unsam/core/errors";
import { checkKeys } from "@unsam/core/options";
import type { AnnotatedClip } from "../datasets/clips/open-clips.js";
import { type ModelSpec, methodName, openEngine } from "../methods/open-method.js";
import {
  type ClipsReport,
  followedFrames,
  type ObjectScores,
  overObjects,
  scoreClipObjects,
} from "./evaluate-clips.js";

export interface EvaluateVideosOptions {
  /** Larger frames are refused before they are decoded (default 100 million). */
  readonly maxPixels?: number | undefined;
  readonly onProgress?: ((progress: VideosProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

const OPTIONS = ["maxPixels", "onProgress", "signal"];

/** Told at the beginning of a model (0 frames done), and at each frame. */
export interface VideosProgress {
  readonly model: string;
  readonly clip: string;
  /** Frames of all clips of this model. */
  readonly done: number;
  readonly total: number;
}

/** What a model made of a data set of videos. */
export interface VideosResult {
  readonly model: string;
  /** Clips that were read and followed to their end. */
  readonly clips: number;
  /** Means over objects, each counted once; null: none was scored. */
  readonly scores: ClipsReport | null;
  /** Objects annotated on too few frames to be scored. */
  readonly notScored: readonly { readonly clip: string; readonly object: string }[];
  /** Clips that could not be read, and why. */
  readonly failures: readonly { readonly clip: string; readonly error: string }[];
  readonly seconds: number;
}

/** What may be wrong with one clip alone. */
const OF_A_CLIP: readonly string[] = ["E_BAD_FILE", "E_BAD_IMAGE", "E_IO"];

/**
 * Has each model follow the objects of annotated clips, and scores them as DAVIS does (`evaluateClips`). A clip with a file that
 * cannot be read is named in `failures`, the others are done. Throws `E_BAD_OPTION`, `E_BAD_CHECKPOINT`, `E_BAD_CONFIG`,
 * `E_UNSUPPORTED` for a model that follows nothing, or the signal's reason.
 */
export async function evaluateVideos(
  clips: readonly AnnotatedClip[],
  models: readonly ModelSpec[],
  options: EvaluateVideosOptions = {},
): Promise<VideosResult[]> {
  checkKeys(options, OPTIONS, "evaluateVideos");
  const results: VideosResult[] = [];
  for (const spec of models) {
    const engine = await openEngine(spec, availableParallelism(), options.signal);
    try {
      results.push(await evaluateModel(engine, methodName(spec), clips, options));
    } finally {
      await engine.dispose();
    }
  }
  return results;
}

async function evaluateModel(
  engine: Engine,
  model: string,
  clips: readonly AnnotatedClip[],
  { maxPixels, onProgress, signal }: EvaluateVideosOptions,
): Promise<VideosResult> {
  const started = performance.now();
  const objects: ObjectScores[] = [];
  const notScored: { clip: string; object: string }[] = [];
  const failures: { clip: string; error: string }[] = [];
  const total = clips.reduce((sum, clip) => sum + followedFrames(clip), 0);
  let before = 0;
  onProgress?.({ model, clip: "", done: 0, total });
  for (const clip of clips) {
    let done = before;
    const onFrame = () => onProgress?.({ model, clip: clip.name, done: ++done, total });
    try {
      const scored = await scoreClipObjects(engine, clip, { signal, maxPixels, onFrame });
      objects.push(...scored.objects);
      notScored.push(...scored.notScored.map((object) => ({ clip: clip.name, object })));
    } catch (cause) {
      signal?.throwIfAborted();
      if (!UnSAMError.isInstance(cause) || !OF_A_CLIP.includes(cause.code)) throw cause;
      failures.push({ clip: clip.name, error: cause.message });
    }
    before += followedFrames(clip);
  }
  return {
    model,
    clips: clips.length - failures.length,
    scores: overObjects(objects),
    notScored,
    failures,
    seconds: (performance.now() - started) / 1000,
  };
}
