import { clampedLogits } from "../decoder/clamp-logits.js";
import type { NetworkPrompt } from "../decoder/mask-decoder.js";
import { UnSAMError } from "../errors.js";
import { upsampleLogits } from "../mask/bilinear.js";
import { chooseMask } from "./choose-mask.js";
import { downsampledMask, filledHoles, maskMaps } from "./mask-maps.js";
import { chooseMemories, type MemoryChoice } from "./memory-choice.js";
import { memoryFeed } from "./memory-feed.js";
import type { TrackerOptions } from "./options.js";
import { storeMemory } from "./stored-memory.js";
import { type FramePoints, type FrameResult, type Store, TrackedObject } from "./tracked-object.js";
import type { FrameFeatures, FrameOutput, VideoNetwork } from "./video-network.js";

/** Logits of all pixels where the object is not there. */
export const ABSENT = -1024;

/** Score of a mask prompt: it holds something, or nothing. */
const SURE = 10;

/** A click or a box, in pixels of the video. */
export interface PointPrompt {
  readonly points: readonly (readonly [x: number, y: number])[];
  /** 1 foreground, 0 background, −1 ignored. */
  readonly labels: readonly number[];
  readonly box: readonly [number, number, number, number] | null;
  /** The points that the frame has already are kept. */
  readonly extend: boolean;
  readonly granularity: number | null;
}

/** A mask [height, width] of zeros and ones that covers the frame. */
export interface MaskPrompt {
  readonly data: Float32Array;
  readonly width: number;
  readonly height: number;
}

export interface VideoSize {
  readonly width: number;
  readonly height: number;
  /** Number of frames; null: it is not known yet. */
  readonly length: number | null;
}

/** One run of the decoder, for tests that follow how an answer was made. */
export interface DecoderRun {
  readonly frame: number;
  readonly object: number;
  readonly reverse: boolean;
  /** No memory was read. */
  readonly initial: boolean;
  readonly multimask: boolean;
  readonly previousMask: boolean;
  readonly maskToken: number;
  readonly pointerToken: number;
  readonly output: FrameOutput;
  readonly memories: MemoryChoice<FrameResult> | null;
}

/** How a frame is answered. */
interface Run {
  readonly id: number;
  readonly object: TrackedObject;
  readonly frame: number;
  readonly features: FrameFeatures;
  readonly reverse: boolean;
  readonly initial: boolean;
}

/**
 * Follows objects through a video (Ravi et al. 2024; the rules are those of the official predictor). Calls follow
 * one another; the caller brings the features of the frame. Objects are tracked independently.
 */
export class VideoTracker {
  readonly objects = new Map<number, TrackedObject>();
  readonly #network: VideoNetwork;
  readonly #size: VideoSize;
  readonly #options: TrackerOptions;
  readonly #observe: ((run: DecoderRun) => void) | null;

  constructor(
    network: VideoNetwork,
    size: VideoSize,
    options: TrackerOptions,
    observe: ((run: DecoderRun) => void) | null = null,
  ) {
    this.#network = network;
    this.#size = size;
    this.#options = options;
    this.#observe = observe;
  }

  /** Answers clicks or a box on a frame, which `propagate` then starts from. */
  async addPoints(
    id: number,
    frame: number,
    features: FrameFeatures,
    prompt: PointPrompt,
  ): Promise<FrameResult> {
    const object = this.#object(id);
    const points = joinedPoints(prompt, object.points.get(frame));
    const { initial, reverse, store } = this.#place(object, frame);
    const previous = object.pending[store].get(frame) ?? object.stored(frame);
    const run: Run = { id, object, frame, features, reverse, initial };
    const result = await this.#answer(run, {
      ...networkPoints(points, this.#size, this.#network.rules.imageSize),
      granularity: prompt.granularity,
      maskLogits: previous ? clampedLogits(previous.logits) : null,
    });
    object.points.set(frame, points);
    return this.#prompted(run, store, result);
  }

  /** Takes a mask as the answer on a frame. */
  async addMask(id: number, frame: number, features: FrameFeatures, mask: MaskPrompt): Promise<FrameResult> {
    const object = this.#object(id);
    const { rules, tensors } = this.#network;
    const { initial, reverse, store } = this.#place(object, frame);
    const run: Run = { id, object, frame, features, reverse, initial };
    const maps = maskMaps(mask.data, mask.width, mask.height, rules.imageSize);
    const { chosen, output } = await this.#decode(run, null, features.plain, {
      ...NO_POINTS,
      granularity: null,
      maskLogits: downsampledMask(maps.binary, rules.imageSize, tensors.maskDownsample),
    });
    const isThere = output.objectScore > 0 && !maps.isEmpty;
    object.points.delete(frame);
    return this.#prompted(run, store, {
      logits: filledHoles(maps.logits, rules.imageSize / 4, this.#options.fillHoleArea),
      pointer: isThere ? this.#network.pointer(chosen.token) : tensors.noPointer,
      score: maps.isEmpty ? -SURE : SURE,
      predictedIou: 1,
    });
  }

  /** Prompts become what is remembered. To be called before `track`. Throws `E_BAD_PROMPT` for an object without a prompt. */
  settle(): void {
    if (this.objects.size === 0) {
      throw new UnSAMError("E_BAD_PROMPT", "There is no object to track; prompt one on a frame first.");
    }
    for (const [id, object] of this.objects) {
      if (object.isPrompted) continue;
      throw new UnSAMError(
        "E_BAD_PROMPT",
        `Object ${id} has no prompt on any frame; prompt it, or remove it.`,
      );
    }
    for (const object of this.objects.values()) object.settle();
  }

  /** The earliest conditioning frame of any object. */
  get firstFrame(): number | null {
    const frames = [...this.objects.values()].flatMap(({ conditioning }) => [...conditioning.keys()]);
    return frames.length === 0 ? null : frames.reduce((a, b) => Math.min(a, b));
  }

  /** Whether `track` needs the features of the frame: not where it is a conditioning frame of all objects. */
  needsFrame(frame: number): boolean {
    return [...this.objects.values()].some(({ conditioning }) => !conditioning.has(frame));
  }

  /** One object on one frame: its conditioning result, or what its memories make of the frame. `features`: where that is needed. */
  async track(
    id: number,
    frame: number,
    features: FrameFeatures | null,
    { reverse, granularity }: { readonly reverse: boolean; readonly granularity: number | null },
  ): Promise<FrameResult> {
    const object = this.#known(id);
    const prompted = object.conditioning.get(frame);
    if (prompted) {
      object.tracked.set(frame, reverse);
      return prompted;
    }
    if (features === null) throw new Error(`Frame ${frame} is no conditioning frame, and has no features.`);
    const run: Run = { id, object, frame, features, reverse, initial: false };
    const tracked = await this.#answer(run, { ...NO_POINTS, granularity, maskLogits: null });
    const { rules } = this.#network;
    const full = upsampleLogits(tracked.unfilled, rules.imageSize / 4, rules.imageSize, rules.imageSize);
    const mask = full.map((logit) => 1 / (1 + Math.exp(-logit)));
    const memory = await this.#remember(features, mask, tracked.score);
    const { unfilled: _, ...answer } = tracked;
    const result = { ...answer, memory };
    object.others.set(frame, result);
    object.tracked.set(frame, reverse);
    if (this.#options.history !== null) object.forget(frame, this.#options.history);
    return result;
  }

  /** What is known of all objects on a frame; null: nothing. */
  results(frame: number): Map<number, FrameResult | null> {
    return new Map([...this.objects].map(([id, object]) => [id, object.result(frame) ?? null]));
  }

  clearPrompts(id: number, frame: number): void {
    this.#known(id).clear(frame);
  }

  /** The others keep their memories, bit for bit. */
  remove(id: number): void {
    this.objects.delete(id);
  }

  /** Forgets all objects. */
  reset(): void {
    this.objects.clear();
  }

  #object(id: number): TrackedObject {
    const known = this.objects.get(id);
    if (known) return known;
    const object = new TrackedObject();
    this.objects.set(id, object);
    return object;
  }

  #known(id: number): TrackedObject {
    const object = this.objects.get(id);
    if (object) return object;
    throw new UnSAMError("E_BAD_PROMPT", `There is no object ${id}; prompt it first.`);
  }

  /** A frame that was not tracked yet starts anew; one that was is corrected, in the direction it was tracked in. */
  #place(object: TrackedObject, frame: number): { initial: boolean; reverse: boolean; store: Store } {
    const initial = !object.tracked.has(frame);
    const conditions = initial || this.#options.keepCorrections;
    return {
      initial,
      reverse: object.tracked.get(frame) ?? false,
      store: conditions ? "conditioning" : "others",
    };
  }

  /** Keeps the answer to a prompt until the next propagation begins. */
  async #prompted(
    { object, frame, features }: Run,
    store: Store,
    { logits, pointer, score, predictedIou }: Omit<FrameResult, "memory">,
  ): Promise<FrameResult> {
    const { rules } = this.#network;
    const full = upsampleLogits(logits, rules.imageSize / 4, rules.imageSize, rules.imageSize);
    const mask = this.#options.binaryPromptMasks
      ? full.map((logit) => (logit > 0 ? 1 : 0))
      : full.map((logit) => 1 / (1 + Math.exp(-logit)));
    const result = {
      logits,
      pointer,
      score,
      predictedIou,
      memory: await this.#remember(features, mask, score),
    };
    object.pending[store].set(frame, result);
    return result;
  }

  async #remember(features: FrameFeatures, mask: Float32Array, score: number) {
    const { maskScale, maskBias } = this.#network.rules;
    const scaled = mask.map((value) => maskScale * value + maskBias);
    const memory = await this.#network.remember(features, scaled, score <= 0);
    return storeMemory(memory, this.#options.memoryPrecision);
  }

  /** Decodes a frame, after memory attention unless it is an initial one. `unfilled`: the logits before holes are filled. */
  async #answer(
    run: Run,
    prompt: NetworkPrompt,
  ): Promise<Omit<FrameResult, "memory"> & { readonly unfilled: Float32Array }> {
    const { rules, tensors } = this.#network;
    const memories = run.initial ? null : this.#memories(run);
    const embedding = memories
      ? await this.#network.attend(run.features, memoryFeed(memories, this.#network))
      : withNoMemory(run.features.plain, tensors.noMemory);
    const { chosen, output } = await this.#decode(run, memories, embedding, prompt);
    const isThere = output.objectScore > 0;
    const unfilled = isThere ? chosen.logits : new Float32Array(chosen.logits.length).fill(ABSENT);
    return {
      unfilled,
      logits: filledHoles(unfilled, rules.imageSize / 4, this.#options.fillHoleArea),
      pointer: isThere ? this.#network.pointer(chosen.token) : tensors.noPointer,
      score: output.objectScore,
      predictedIou: chosen.predictedIou,
    };
  }

  #memories({ object, frame, reverse }: Run): MemoryChoice<FrameResult> {
    const { rules } = this.#network;
    const { memoryStride, maxConditioningFrames, maxObjectPointers } = this.#options;
    return chooseMemories(frame, reverse, object, {
      memoryFrames: rules.memoryFrames,
      memoryStride,
      maxConditioningFrames,
      maxObjectPointers: maxObjectPointers ?? rules.maxObjectPointers,
      length: this.#size.length,
    });
  }

  async #decode(
    run: Run,
    memories: MemoryChoice<FrameResult> | null,
    embedding: Float32Array,
    prompt: NetworkPrompt,
  ) {
    const { multimask: rules } = this.#network.rules;
    const isMask = embedding === run.features.plain;
    // The padding point does not count; of a frame without points neither does the empty one.
    const count = promptPoints(prompt);
    const allowed = count >= rules.minPoints && count <= rules.maxPoints;
    const multimask =
      !isMask && !this.#network.granularity && allowed && (run.initial ? rules.onPrompts : rules.onTracking);
    const output = await this.#network.decode(run.features, embedding, prompt);
    const chosen = chooseMask(output, {
      granularity: this.#network.granularity,
      multimask,
      pointerFromMask: rules.pointerFromMask,
      stability: this.#options.stability ?? this.#network.stability,
    });
    this.#observe?.({
      frame: run.frame,
      object: run.id,
      reverse: run.reverse,
      initial: run.initial,
      multimask,
      previousMask: prompt.maskLogits !== null,
      maskToken: chosen.maskToken,
      pointerToken: chosen.pointerToken,
      output,
      memories,
    });
    return { chosen, output };
  }
}

/** A frame without points still has an empty one and the padding point. */
const NO_POINTS = { coords: new Float32Array(4), labels: Int32Array.of(-1, -1) } as const;

/** Points that were given: a box counts two, the padding does not. */
function promptPoints({ labels }: NetworkPrompt): number {
  return labels === NO_POINTS.labels ? 0 : labels.length - 1;
}

function joinedPoints(
  { points, labels, box, extend }: PointPrompt,
  before: FramePoints | undefined,
): FramePoints {
  const corners = box ? [...box] : [];
  const own = { coords: [...corners, ...points.flat()], labels: [...(box ? [2, 3] : []), ...labels] };
  if (!extend || !before) return own;
  return { coords: [...before.coords, ...own.coords], labels: [...before.labels, ...own.labels] };
}

/** In the network's frame, the padding point at the end. */
function networkPoints(
  { coords, labels }: FramePoints,
  { width, height }: VideoSize,
  side: number,
): Pick<NetworkPrompt, "coords" | "labels"> {
  const scaled = new Float32Array(coords.length + 2);
  coords.forEach((value, i) => {
    scaled[i] = (value / (i % 2 === 0 ? width : height)) * side;
  });
  return { coords: scaled, labels: Int32Array.of(...labels, -1) };
}

/** plain [d, s, s] with a learned vector where memories would be. */
function withNoMemory(plain: Float32Array, vector: Float32Array): Float32Array {
  const cells = plain.length / vector.length;
  return plain.map((value, i) => value + vector[Math.floor(i / cells)]);
}
