import type {
  Engine,
  EngineAnswer,
  EngineImage,
  EngineInfo,
  EngineSegment,
  EngineVideo,
  ImageState,
  SegmentOptions,
} from "@unsam/core/engine";
import type { RgbImage } from "@unsam/core/image";
import type { Prompt } from "@unsam/core/prompt";
import type { ClickBatch, MaskBatch, ProposalCall, WholeImageOptions } from "@unsam/core/whole-image";
import type { Calibration } from "./calibration.js";

/**
 * An engine that takes and gives the user's granularity. A calibration acts here and nowhere else: everything in the SDK
 * reaches a model through `Engine` and `EngineImage`. A granularity on its way in becomes the model's; on its way out it becomes
 * the user's. Above this line there is only the user's granularity.
 */
export class CalibratedEngine implements Engine {
  readonly info: EngineInfo;
  readonly #engine: Engine;
  readonly #calibration: Calibration;

  /** Throws `E_BAD_FILE`, `E_UNSUPPORTED` where the calibration is not for this model. */
  constructor(engine: Engine, calibration: Calibration) {
    calibration.checkFits(engine.info);
    this.info = engine.info;
    this.#engine = engine;
    this.#calibration = calibration;
  }

  get encodesAtOnce(): number {
    return this.#engine.encodesAtOnce;
  }

  async encode(image: RgbImage, options: { signal?: AbortSignal }): Promise<EngineImage> {
    return calibrated(await this.#engine.encode(image, options), this.#calibration);
  }

  async restore(state: ImageState, size: { width: number; height: number }): Promise<EngineImage> {
    return calibrated(await this.#engine.restore(state, size), this.#calibration);
  }

  get openVideo(): Engine["openVideo"] {
    const engine = this.#engine;
    if (!engine.openVideo) return undefined;
    return async (source, options, call) =>
      new CalibratedVideo(await engine.openVideo!(source, options, call), this.#calibration);
  }

  dispose(): Promise<void> {
    return this.#engine.dispose();
  }
}

class CalibratedVideo implements EngineVideo {
  readonly #video: EngineVideo;
  readonly #calibration: Calibration;

  constructor(video: EngineVideo, calibration: Calibration) {
    this.#video = video;
    this.#calibration = calibration;
  }

  get memory() {
    return this.#video.memory;
  }

  get reasons() {
    return this.#video.reasons;
  }

  prompt(...[object, frame, prompt, call]: Parameters<EngineVideo["prompt"]>) {
    const granularity = this.#toModel(prompt.granularity);
    return this.#video.prompt(object, frame, { ...prompt, granularity }, call);
  }

  start(...args: Parameters<EngineVideo["start"]>) {
    return this.#video.start(...args);
  }

  track(...[frame, options, call]: Parameters<EngineVideo["track"]>) {
    const granularity = new Map(
      [...options.granularity].map(([object, value]) => [object, this.#toModel(value)]),
    );
    return this.#video.track(frame, { ...options, granularity }, call);
  }

  lookNoFurther(): void {
    this.#video.lookNoFurther();
  }

  clearPrompts(object: number, frame: number): Promise<void> {
    return this.#video.clearPrompts(object, frame);
  }

  remove(object: number): Promise<void> {
    return this.#video.remove(object);
  }

  reset(): Promise<void> {
    return this.#video.reset();
  }

  dispose(): Promise<void> {
    return this.#video.dispose();
  }

  #toModel(granularity: number | null): number | null {
    return granularity === null ? null : this.#calibration.toModel(granularity);
  }
}

/** Images behind a calibration: fitting another one through it would be wrong. */
const behindCalibration = new WeakSet<EngineImage>();

export function isCalibrated(image: EngineImage): boolean {
  return behindCalibration.has(image);
}

function calibrated(image: EngineImage, calibration: Calibration): EngineImage {
  const wrapped = image.proposeRegions
    ? new CalibratedRegions(image, calibration)
    : new CalibratedImage(image, calibration);
  behindCalibration.add(wrapped);
  return wrapped;
}

class CalibratedImage implements EngineImage {
  readonly width: number;
  readonly height: number;
  readonly bytes: number;
  protected readonly image: EngineImage;
  protected readonly calibration: Calibration;

  constructor(image: EngineImage, calibration: Calibration) {
    this.width = image.width;
    this.height = image.height;
    this.bytes = image.bytes;
    this.image = image;
    this.calibration = calibration;
  }

  readonly toUsersGranularity = (granularity: number): number => this.calibration.toDial(granularity);

  async segment(prompts: readonly Prompt[], options: SegmentOptions): Promise<EngineAnswer[]> {
    const asked = prompts.map(
      (prompt): Prompt => ({ ...prompt, granularity: this.#toModel(prompt.granularity) }),
    );
    const answers = await this.image.segment(asked, options);
    return answers.map(({ best, candidates, alternatives }, i) => {
      // A granularity that was asked for comes back to the last bit; one that the model chose is mapped back.
      const { granularity } = prompts[i];
      const asAsked = (segment: EngineSegment): EngineSegment =>
        typeof granularity === "number" ? { ...segment, granularity } : this.#toUser(segment);
      return {
        best: asAsked(best),
        candidates: candidates.map(asAsked),
        alternatives: alternatives.map((other) => this.#toUser(other)),
      };
    });
  }

  propose(clicks: ClickBatch, call: ProposalCall): AsyncIterable<MaskBatch> {
    return this.image.propose({ ...clicks, granularity: this.#toModel(clicks.granularity) }, call);
  }

  save(): Promise<ImageState> {
    return this.image.save();
  }

  dispose(): Promise<void> {
    return this.image.dispose();
  }

  #toModel<G extends number | "auto" | null>(granularity: G): G | number {
    return typeof granularity === "number" ? this.calibration.toModel(granularity) : granularity;
  }

  #toUser(segment: EngineSegment): EngineSegment {
    const { granularity } = segment;
    return granularity === null ? segment : { ...segment, granularity: this.toUsersGranularity(granularity) };
  }
}

/** For models that are a hierarchy of regions, which offers these for all levels at once. */
class CalibratedRegions extends CalibratedImage {
  proposeRegions(options: WholeImageOptions, call: ProposalCall): AsyncIterable<MaskBatch> {
    const levels = options.levels.map((level) => (level === null ? null : this.calibration.toModel(level)));
    return this.image.proposeRegions!({ ...options, levels }, call);
  }
}
