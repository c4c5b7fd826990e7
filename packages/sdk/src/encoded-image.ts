import type { Engine, EngineAnswer, EngineImage, EngineInfo, EngineSegment } from "@unsam/core/engine";
import { UnSAMError } from "@unsam/core/errors";
import type { RgbImage } from "@unsam/core/image";
import type { Limits } from "@unsam/core/limits";
import { checkKeys } from "@unsam/core/options";
import type { Prompt } from "@unsam/core/prompt";
import { isCalibrated } from "./calibration/calibrated-engine.js";
import { checkRestores, readEncodedImage, writeEncodedImage } from "./encoded-image-file.js";
import { ladderLevels } from "./granularity.js";
import { GranularityLadder, type LadderOptions, parseLadderOptions } from "./granularity-ladder.js";
import type { PhotoEncoder } from "./photo-encoder.js";
import { type PromptInput, parsePrompt } from "./prompt.js";
import { ScaleSteps } from "./scale-steps.js";
import { type EverythingSource, everythingSteps, maskSteps } from "./scene/everything.js";
import { type EverythingOptions, planEverything } from "./scene/everything-options.js";
import { EverythingRun } from "./scene/everything-run.js";
import { GeneratedMask, type GenerateMasksOptions, officialPlan } from "./scene/official-masks.js";
import { Segment } from "./segment.js";
import { type ParsedSegmentOptions, parseSegmentOptions, type SegmentOptions } from "./segment-options.js";

/** The model an image is encoded with. */
interface Maker {
  readonly engine: Engine;
  readonly encoder: PhotoEncoder;
}

/**
 * A photo that the model has encoded. Immutable: any number of concurrent calls may use it. It holds memory until
 * `dispose()`; made by `unsam.encode(photo)` or `EncodedImage.load(unsam, path)`.
 */
export class EncodedImage implements AsyncDisposable {
  readonly width: number;
  readonly height: number;
  readonly #engine: EngineInfo;
  readonly #maker: Maker;
  readonly #image: EngineImage;
  readonly #source: RgbImage | null;
  #disposed = false;

  /** @internal Use `unsam.encode` or `EncodedImage.load`. */
  constructor(maker: Maker, image: EngineImage, source: RgbImage | null) {
    this.width = image.width;
    this.height = image.height;
    this.#engine = maker.engine.info;
    this.#maker = maker;
    this.#image = image;
    this.#source = source;
  }

  /** Segments what the prompt means. Throws `E_BAD_PROMPT` for a prompt that does not fit the image or the model. */
  async segment(prompt: PromptInput, options: SegmentOptions = {}): Promise<Segment> {
    const [segment] = await this.#segmentAll([prompt], options, "segment");
    return segment;
  }

  /** Answers many prompts in one decoder call; they may differ in kind and in number of points. */
  segmentAll(prompts: readonly PromptInput[], options: SegmentOptions = {}): Promise<Segment[]> {
    return this.#segmentAll(prompts, options, "segmentAll");
  }

  async #segmentAll(
    prompts: readonly PromptInput[],
    given: SegmentOptions,
    caller: string,
  ): Promise<Segment[]> {
    this.#alive();
    const options = parseSegmentOptions(given, this.#engine, caller);
    options.signal?.throwIfAborted();
    if (!Array.isArray(prompts)) {
      throw new UnSAMError("E_BAD_PROMPT", "segmentAll takes a list of prompts.");
    }
    const parsed = prompts.map((prompt, index) => {
      try {
        return this.#parse(prompt);
      } catch (error) {
        if (prompts.length === 1 || !UnSAMError.isInstance(error)) throw error;
        throw new UnSAMError(error.code, `Prompt ${index}: ${error.message}`);
      }
    });
    const steps = parsed.map((prompt) => this.#steps(prompt, options));
    return this.#answer(parsed, options, steps);
  }

  /**
   * The answers to one prompt at several granularities, in one decoder call; bit for bit those of one call for each. A
   * granularity in the prompt is refused. Throws `E_BAD_PROMPT`, `E_BAD_OPTION`.
   */
  async ladder(prompt: PromptInput, given: LadderOptions = {}): Promise<GranularityLadder> {
    this.#alive();
    const { levels: asked, nested, ...options } = parseLadderOptions(given, this.#engine);
    options.signal?.throwIfAborted();
    const levels = ladderLevels(asked);
    if (prompt?.granularity !== undefined) {
      throw new UnSAMError(
        "E_BAD_PROMPT",
        "A ladder answers at each of its levels; leave granularity out of the prompt, or name it in levels.",
      );
    }
    const parsed = this.#parse({ ...prompt, granularity: levels[0] });
    const ladder = new GranularityLadder(await this.#atLevels(parsed, levels, options), parsed);
    return nested ? ladder.enforceNesting(options.signal) : ladder;
  }

  /** Memory it holds until it is disposed, about; for caches. The photo counts while its pixels are kept for overlays. */
  get bytes(): number {
    return this.#image.bytes + (this.#source?.data.byteLength ?? 0);
  }

  /** @internal The model it was encoded with. */
  get model(): EngineInfo {
    return this.#engine;
  }

  /** @internal Whether a calibration stands between the user's granularity and the model's. */
  get isCalibrated(): boolean {
    return isCalibrated(this.#image);
  }

  #parse(prompt: PromptInput): Prompt {
    const { width, height } = this;
    const { name, capabilities } = this.#engine;
    return parsePrompt(prompt, { width, height, granularity: capabilities.granularity, model: name });
  }

  /** One prompt at several granularities. */
  #atLevels(
    prompt: Prompt,
    levels: readonly number[],
    options: ParsedSegmentOptions,
    steps = this.#steps(prompt, options),
  ) {
    const leveled = levels.map((granularity) => ({ ...prompt, granularity }));
    return this.#answer(
      leveled,
      options,
      leveled.map(() => steps),
    );
  }

  /** How the answers to a prompt step to the next finer and coarser scale; null for a model without granularity. */
  #steps(prompt: Prompt, options: ParsedSegmentOptions): ScaleSteps | null {
    if (!this.#engine.capabilities.granularity) return null;
    const steps: ScaleSteps = new ScaleSteps(
      (levels, signal) => this.#atLevels(prompt, levels, { ...options, signal }, steps),
      () => this.#alive(),
    );
    return steps;
  }

  async #answer(
    prompts: readonly Prompt[],
    { signal, ...options }: ParsedSegmentOptions,
    steps: readonly (ScaleSteps | null)[],
  ): Promise<Segment[]> {
    if (prompts.length === 0) return [];
    const answers = await this.#image.segment(prompts, { ...options, ...(signal ? { signal } : {}) });
    return answers.map((answer, i) => this.#segment(answer, steps[i]));
  }

  #segment({ best, candidates, alternatives }: EngineAnswer, steps: ScaleSteps | null): Segment {
    const plain = (segment: EngineSegment) => new Segment(segment, [], this.#source, { scales: steps });
    const context = { alternatives: alternatives.map(plain), scales: steps };
    return new Segment(best, candidates.map(plain), this.#source, context);
  }

  /**
   * Finds everything there is, at all granularities, and makes one scene of it. `await` the run for the scene, or
   * iterate over partial results first. Memory stays bounded, whatever the size of the photo; cancel with the signal.
   * Throws `E_BAD_OPTION`, `E_BAD_PROMPT`.
   */
  everything(options: EverythingOptions = {}): EverythingRun {
    this.#alive();
    const plan = planEverything(options, {
      name: this.#engine.name,
      ...this.#engine.capabilities,
      photo: this.#source !== null,
    });
    return new EverythingRun(everythingSteps(this.#everythingSource(), plan, options));
  }

  /**
   * The masks of the official automatic mask generator: same grid, thresholds, crops and suppression, in its order.
   * For a scene with all scales take `everything`. Throws `E_BAD_OPTION`, `E_BAD_PROMPT`.
   */
  async generateMasks(options: GenerateMasksOptions = {}): Promise<GeneratedMask[]> {
    this.#alive();
    const plan = officialPlan(options, this.#engine, this.#source !== null);
    const steps = maskSteps(this.#everythingSource(), plan, options.signal);
    for (;;) {
      const { done, value } = await steps.next();
      if (done) return value.masks.map((mask) => new GeneratedMask(mask, plan.granularities));
    }
  }

  #everythingSource(): EverythingSource {
    return {
      image: this.#image,
      photo: this.#source,
      encode: (pixels, cut, signal) => this.#maker.encoder.encodePart(pixels, cut, signal),
    };
  }

  /**
   * Writes the encoding to a safetensors file (half precision, bound to the model; no pixels of the photo).
   * Written under a temporary name and renamed, so that the file is whole or absent.
   */
  async save(path: string): Promise<void> {
    this.#alive();
    checkRestores(this.#engine);
    await writeEncodedImage(path, await this.#image.save(), {
      width: this.width,
      height: this.height,
      engine: this.#engine,
    });
  }

  /**
   * Reads what `save` wrote. The file is not trusted: the size of the photo, what the arrays take and the header are checked
   * against `maxPixels` (default 100 million), `maxBytes` (1 GiB) and `maxHeaderBytes` (64 KiB) before they are read. Throws
   * `E_BAD_FILE` for a damaged file or one made with another model, `E_BAD_OPTION`, or the signal's reason.
   */
  static async load(
    unsam: Maker,
    path: string,
    options: Limits & { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<EncodedImage> {
    checkKeys(options, ["maxPixels", "maxBytes", "maxHeaderBytes", "signal"], "EncodedImage.load");
    const { state, width, height } = await readEncodedImage(path, unsam.engine.info, options);
    return new EncodedImage(unsam, await unsam.engine.restore(state, { width, height }), null);
  }

  /** Releases what the encoding holds. Calls after this throw `E_DISPOSED`; a second dispose does nothing. */
  async dispose(): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    await this.#image.dispose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  #alive(): void {
    if (this.#disposed)
      throw new UnSAMError("E_DISPOSED", "This encoded image was disposed; encode the photo again.");
  }
}
