import type { ReferenceFile } from "@unsam/test-support";
import { decodeImage, type RgbImage } from "#core/image/index.js";
import { finishMask, Mask } from "#core/mask/index.js";
import {
  type DecoderRun,
  type FrameFeatures,
  type FrameResult,
  masksWithoutOverlap,
  OFFICIAL_TRACKER,
  type TrackerOptions,
  type VideoNetwork,
  VideoTracker,
} from "#core/video/index.js";
import type { VideoSet } from "../support/video-set.js";

export interface TraceEntry {
  readonly frame: number;
  readonly object: number;
  readonly reverse: boolean;
  readonly initial: boolean;
  readonly mask_prompt?: boolean;
  readonly multimask?: boolean;
  readonly previous_mask?: boolean;
  readonly mask_token?: number;
  readonly pointer_token?: number;
  readonly predicted_ious?: readonly number[];
  readonly decoder_object_score: number;
  readonly memory?: readonly (readonly [number, number])[];
  readonly pointers?: readonly (readonly [number, number])[];
}

export interface Step {
  readonly op: "add_points_or_box" | "add_mask" | "propagate" | "clear_prompts" | "remove_object" | "reset";
  readonly frame?: number;
  readonly object?: number;
  readonly points?: readonly (readonly [number, number])[];
  readonly labels?: readonly number[];
  readonly box?: readonly [number, number, number, number];
  readonly clear_old_points?: boolean;
  readonly granularity?: number;
  readonly mask?: string;
  readonly start_frame?: number;
  readonly max_frames?: number;
  readonly reverse?: boolean;
  readonly expected: {
    readonly frames: readonly number[];
    readonly objects?: readonly number[];
    readonly low_res_logits?: ReferenceFile;
    readonly object_pointers?: ReferenceFile;
    readonly object_score_logits?: readonly (readonly number[])[];
    readonly stored_as?: "conditioning" | "non_conditioning";
    readonly masks?: readonly { readonly object: number; readonly file: string }[];
    readonly trace?: readonly TraceEntry[];
  };
}

export interface SessionCase {
  readonly id: string;
  readonly kind: "sam2.1" | "unsamv2";
  readonly options: Readonly<Record<string, unknown>>;
  readonly memory_storage: "bfloat16" | "float32";
  readonly frames: readonly string[];
  readonly steps: readonly Step[];
}

/** What one step gave. */
export interface Played {
  readonly step: Step;
  readonly frames: readonly number[];
  /** Results of the frames in order; of a prompt only that of its object counts. */
  readonly results: readonly ReadonlyMap<number, FrameResult | null>[];
  readonly masks: readonly ReadonlyMap<number, Mask>[];
  readonly runs: readonly DecoderRun[];
}

const SIZE = { width: 256, height: 144 };

function optionsOf({ options, memory_storage }: SessionCase): TrackerOptions {
  const extra = options.sam_mask_decoder_extra_args;
  return {
    ...OFFICIAL_TRACKER,
    keepCorrections: options.add_all_frames_to_correct_as_cond === true,
    binaryPromptMasks: options.binarize_mask_from_pts_for_mem_enc !== false,
    fillHoleArea: Number(options.fill_hole_area ?? 0),
    maxConditioningFrames: (options.max_cond_frames_in_attn as number | undefined) ?? null,
    memoryStride: Number(options.memory_temporal_stride_for_eval ?? 1),
    maxObjectPointers: (options.max_obj_ptrs_in_encoder as number | undefined) ?? null,
    // No arguments: without the official builder's post-processing.
    stability: extra === undefined ? null : { enabled: false, delta: 0, threshold: 0 },
    memoryPrecision: memory_storage,
  };
}

/** Plays the steps of a session, as whoever uses a tracker does. */
export async function* playSession(
  set: VideoSet,
  session: SessionCase,
  network: VideoNetwork,
  features: (frame: string) => Promise<FrameFeatures>,
): AsyncGenerator<Played> {
  const { frames } = session;
  let runs: DecoderRun[] = [];
  const size = { ...SIZE, length: frames.length };
  const tracker = new VideoTracker(network, size, optionsOf(session), (run) => runs.push(run));
  const at = (frame: number) => features(frames[frame]);
  const finish = (results: ReadonlyMap<number, FrameResult | null>): Map<number, Mask> => {
    const maps = [...results.values()].map(
      (result) => result?.logits ?? new Float32Array(64 * 64).fill(-1024),
    );
    const words = session.options.non_overlap_masks
      ? masksWithoutOverlap(maps, 64, SIZE)
      : maps.map((map) => finishMask(map, 64, 64, SIZE.width, SIZE.height).words);
    return new Map([...results.keys()].map((id, i) => [id, new Mask(SIZE.width, SIZE.height, words[i])]));
  };
  for (const step of session.steps) {
    runs = [];
    const played: { frame: number; results: Map<number, FrameResult | null> }[] = [];
    const { frame = 0, object = 0 } = step;
    const show = (one: number) => played.push({ frame: one, results: tracker.results(one) });
    switch (step.op) {
      case "add_points_or_box":
        await tracker.addPoints(object, frame, await at(frame), {
          points: step.points ?? [],
          labels: step.labels ?? [],
          box: step.box ?? null,
          extend: step.clear_old_points === false,
          granularity: step.granularity ?? null,
        });
        show(frame);
        break;
      case "add_mask":
        await tracker.addMask(object, frame, await at(frame), await maskFile(set.path(step.mask!)));
        show(frame);
        break;
      case "propagate": {
        tracker.settle();
        const reverse = step.reverse ?? false;
        const start = step.start_frame ?? tracker.firstFrame!;
        const most = step.max_frames ?? frames.length;
        const end = reverse ? Math.max(0, start - most) : Math.min(frames.length - 1, start + most);
        for (let t = start; reverse ? start > 0 && t >= end : t <= end; t += reverse ? -1 : 1) {
          const results = new Map<number, FrameResult>();
          for (const id of tracker.objects.keys()) {
            const how = { reverse, granularity: step.granularity ?? null };
            results.set(id, await tracker.track(id, t, await at(t), how));
          }
          played.push({ frame: t, results });
        }
        break;
      }
      case "clear_prompts":
        tracker.clearPrompts(object, frame);
        show(frame);
        break;
      case "remove_object": {
        const prompted = [...tracker.objects.get(object)!.conditioning.keys()];
        tracker.remove(object);
        prompted.forEach(show);
        break;
      }
      case "reset":
        tracker.reset();
    }
    yield {
      step,
      frames: played.map((one) => one.frame),
      results: played.map((one) => one.results),
      masks: played.map((one) => finish(one.results)),
      runs,
    };
  }
}

async function maskFile(file: string): Promise<{ data: Float32Array; width: number; height: number }> {
  const { data, width, height } = await decodeImage(file);
  return {
    data: Float32Array.from({ length: width * height }, (_, i) => (data[3 * i] > 127 ? 1 : 0)),
    width,
    height,
  };
}

/** The masks of one object, one frame below the other. */
export function stackedMasks({ data, width, height }: RgbImage): Mask[] {
  const area = width * SIZE.height;
  return Array.from({ length: height / SIZE.height }, (_, frame) => {
    const bytes = Array.from({ length: area }, (_, i) => (data[3 * (frame * area + i)] > 127 ? 1 : 0));
    return Mask.fromBytes(width, SIZE.height, bytes);
  });
}
