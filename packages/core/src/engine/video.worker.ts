import { openAddon } from "@unsam/native-cuda";
import { openCheckpoint } from "../checkpoint/index.js";
import { type ImageFeatures, nativeMisfit } from "../decoder/index.js";
import { UnSAMError } from "../errors.js";
import { resizeBicubic } from "../image/bicubic.js";
import type { RgbImage } from "../image/rgb-image.js";
import { Mask } from "../mask/mask.js";
import { type NetworkModel, resolveModel, type VideoModel, weightsFingerprint } from "../models/index.js";
import { keep, move, openSession } from "../runtime/index.js";
import {
  type FrameDecoder,
  type FrameResult,
  FrameStore,
  JoinedVideoNetwork,
  type MemoryKind,
  type MemoryNetwork,
  OFFICIAL_TRACKER,
  openNativeFrameDecoder,
  openNativeMemory,
  type VideoSize,
  VideoTracker,
} from "../video/index.js";
import type { MaskPrompt } from "../video/tracker.js";
import type { VideoOptions, VideoPrompt } from "./engine-video.js";
import { type Network, type OpenOptions, sessionOptions } from "./network.worker.js";
import type { SentMask } from "./sent-mask.js";
import type { SentObject } from "./session-video.js";

// The inference thread's side of a video: the networks that only videos need, features of frames, memories of objects.

const DISPOSED = "This video was disposed; open it again.";

export interface VideoSession {
  readonly network: Network;
  readonly video: JoinedVideoNetwork;
  readonly tracker: VideoTracker;
  readonly frames: FrameStore;
}

/** Opens a video. The networks for videos are opened with the first one of a kind, and shared. */
export async function openVideo(
  network: Network,
  size: VideoSize,
  { memory, ...options }: Omit<VideoOptions, "memory"> & { readonly memory: MemoryKind },
) {
  const opened = network.videos;
  if (opened === null) throw new UnSAMError("E_DISPOSED", DISPOSED);
  const opening = opened.get(memory) ?? openVideoNetwork(network, memory);
  opened.set(memory, opening);
  const video = await opening.catch((cause) => {
    opened.delete(memory);
    throw cause;
  });
  const tracker = new VideoTracker(video, size, {
    ...OFFICIAL_TRACKER,
    keepCorrections: options.keepCorrections,
    fillHoleArea: options.maxHoleArea,
    memoryStride: options.memoryStride,
    memoryPrecision: options.memoryPrecision,
    maxConditioningFrames: limit(options.maxConditioningFrames),
    history: limit(options.history),
  });
  const ready = (features: ImageFeatures) => video.frame(features);
  const frames = await FrameStore.open(options.maxFeatureBytes, ready, options.spill);
  const session: VideoSession = { network, video, tracker, frames };
  return keep(session, { gone: DISPOSED, release: () => frames.close() });
}

/** Infinity is no limit. */
function limit(most: number): number | null {
  return Number.isFinite(most) ? most : null;
}

/** The checkpoint is opened again: an image needs nothing of what is read here, and nobody held it open for that. */
async function openVideoNetwork({ origin }: Network, memory: MemoryKind): Promise<JoinedVideoNetwork> {
  const { options, families, fingerprint } = origin;
  const checkpoint = await openCheckpoint(options.checkpoint);
  try {
    const model = resolveModel(checkpoint, options.config, options.weights, families);
    if (weightsFingerprint(await checkpoint.fingerprint(), model.weights) !== fingerprint) {
      throw new UnSAMError(
        "E_BAD_CHECKPOINT",
        `${options.checkpoint} has changed since the model was loaded; load it again.`,
      );
    }
    if (model.video === null) {
      throw new UnSAMError(
        "E_UNSUPPORTED",
        `Objects cannot be followed through a video with this model (${model.description}); load SAM 2, SAM 2.1 or UnSAMv2.`,
      );
    }
    const video = model.video();
    return await JoinedVideoNetwork.open(model, video, {
      memory: () => openMemory(video, options, memory),
      decoder: () => openDecoder(model, video, options),
    });
  } finally {
    await checkpoint.close();
  }
}

async function openMemory(
  video: VideoModel,
  options: OpenOptions,
  memory: MemoryKind,
): Promise<MemoryNetwork> {
  const { addon, threads } = options;
  if (memory === "native" && video.memorySource !== null && addon !== null) {
    return openNativeMemory(openAddon(addon), video.memorySource, threads);
  }
  const { OnnxMemoryNetwork } = await import("../video/onnx-memory-network.js");
  return OnnxMemoryNetwork.open(video, (bytes) => openSession(bytes, sessionOptions(options)));
}

/** In the addon wherever that may answer clicks; a device of ONNX Runtime's is its own affair. */
async function openDecoder(
  model: NetworkModel,
  video: VideoModel,
  options: OpenOptions,
): Promise<FrameDecoder> {
  const { addon, threads, decoder, device } = options;
  if (addon !== null && decoder !== "onnx" && (decoder === "native" || device !== "cuda")) {
    const weights = await model.decoderWeights();
    if (nativeMisfit(model, weights) === null) {
      return openNativeFrameDecoder(openAddon(addon), weights, threads);
    }
  }
  const { OnnxFrameDecoder } = await import("../video/onnx-frame-decoder.js");
  return OnnxFrameDecoder.open(model, video, (bytes) => openSession(bytes, sessionOptions(options)));
}

/** Whether the features of a frame are still there. */
export function holds({ frames }: VideoSession, frame: number): boolean {
  return frames.has(frame);
}

/** Encodes a frame. */
export async function look(session: VideoSession, frame: number, image: RgbImage): Promise<void> {
  const { network, video, frames } = alive(session);
  const side = video.rules.imageSize;
  await frames.add(frame, await network.encoder.encode(resizeBicubic(image, side, side)));
}

/** `mask` is taken first, then points correct it. */
export async function prompt(
  session: VideoSession,
  object: number,
  frame: number,
  { points, box, extend, granularity }: Omit<VideoPrompt, "mask">,
  mask: SentMask | null,
) {
  const { tracker } = alive(session);
  const features = await featuresOf(session, frame);
  if (mask) await tracker.addMask(object, frame, features, maskPrompt(mask));
  if (points.length > 0 || box) {
    await tracker.addPoints(object, frame, features, {
      points: points.map(({ x, y }) => [x, y] as const),
      labels: points.map(({ label }) => label),
      box,
      extend,
      granularity,
    });
  }
  return answers(tracker.results(frame));
}

/** Prompts become part of what is remembered. The earliest conditioning frame. */
export function start(session: VideoSession): number {
  const { tracker } = alive(session);
  tracker.settle();
  return tracker.firstFrame!;
}

/** The objects there are, and whether any of them needs the frame. */
export function ask(session: VideoSession, frame: number, next: number | null) {
  const { tracker, frames } = alive(session);
  tracker.settle();
  const lacksNext = next !== null && tracker.needsFrame(next) && !frames.has(next);
  return { objects: [...tracker.objects.keys()], needsFrame: tracker.needsFrame(frame), lacksNext };
}

/** One object on a frame. */
export async function track(
  session: VideoSession,
  object: number,
  frame: number,
  how: { readonly reverse: boolean; readonly granularity: number | null },
) {
  const { tracker, frames } = alive(session);
  const features = tracker.needsFrame(frame) ? await frames.get(frame) : null;
  return answers(new Map([[object, await tracker.track(object, frame, features, how)]]));
}

export function clearPrompts(session: VideoSession, object: number, frame: number): void {
  if (alive(session).tracker.objects.has(object)) session.tracker.clearPrompts(object, frame);
}

export function remove(session: VideoSession, object: number): void {
  alive(session).tracker.remove(object);
}

export function reset(session: VideoSession): void {
  alive(session).tracker.reset();
}

/** Whoever disposes a model disposes its videos. */
function alive(session: VideoSession): VideoSession {
  if (session.network.videos !== null) return session;
  throw new UnSAMError("E_DISPOSED", DISPOSED);
}

async function featuresOf({ frames }: VideoSession, frame: number) {
  const features = await frames.get(frame);
  if (features === null) throw new Error(`Frame ${frame} was not encoded.`);
  return features;
}

function maskPrompt(mask: SentMask): MaskPrompt {
  const { width, height } = mask;
  if ("logits" in mask) return { width, height, data: mask.logits.map((logit) => (logit > 0 ? 1 : 0)) };
  return { width, height, data: Float32Array.from(new Mask(width, height, mask.words).toBytes()) };
}

/** Copies: the tracker goes on with its own. */
function answers(results: ReadonlyMap<number, FrameResult | null>) {
  const sent: SentObject[] = [];
  for (const [object, result] of results) {
    if (result === null) continue;
    const { predictedIou, score, logits } = result;
    sent.push({ object, words: null, logits: logits.slice(), score: predictedIou, objectScore: score });
  }
  return move(sent, ...sent.map(({ logits }) => logits));
}
