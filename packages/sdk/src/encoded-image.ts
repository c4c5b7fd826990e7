import type { Engine, EngineAnswer, EngineImage, EngineInfo } from "@unsam/core/engine";
import { UnSAMError } from "@unsam/core/errors";
import type { RgbImage } from "@unsam/core/image";
import { readEncodedImage, writeEncodedImage } from "./encoded-image-file.js";
import { type PromptInput, parsePrompt } from "./prompt.js";
import { Segment } from "./segment.js";

export interface SegmentOptions {
  /** Official `multimask_output` (default false): plain SAM 2 then returns the best of three masks and all candidates. */
  readonly multimask?: boolean | undefined;
  /** Holes of up to this many low-resolution pixels are filled (official `max_hole_area`, default 0). */
  readonly maxHoleArea?: number | undefined;
  /** Islands of up to this many low-resolution pixels are removed (official `max_sprinkle_area`, default 0). */
  readonly maxSprinkleArea?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * A photo the model has looked at. Immutable: any number of concurrent calls may use it. It holds memory until
 * `dispose()`; made by `unsam.encode(photo)` or `EncodedImage.load(unsam, path)`.
 */
export class EncodedImage implements AsyncDisposable {
  readonly width: number;
  readonly height: number;
  readonly #engine: EngineInfo;
  readonly #image: EngineImage;
  readonly #source: RgbImage | null;
  #disposed = false;

  /** @internal Use `unsam.encode` or `EncodedImage.load`. */
  constructor(engine: EngineInfo, image: EngineImage, source: RgbImage | null) {
    this.width = image.width;
    this.height = image.height;
    this.#engine = engine;
    this.#image = image;
    this.#source = source;
  }

  /** Segments what the prompt means. Throws `E_BAD_PROMPT` for a prompt that does not fit the image or the model. */
  async segment(prompt: PromptInput, options: SegmentOptions = {}): Promise<Segment> {
    const [segment] = await this.segmentAll([prompt], options);
    return segment;
  }

  /** Answers many prompts in one decoder call; they may differ in kind and in number of points. */
  async segmentAll(prompts: readonly PromptInput[], options: SegmentOptions = {}): Promise<Segment[]> {
    this.#alive();
    options.signal?.throwIfAborted();
    if (!Array.isArray(prompts)) {
      throw new UnSAMError("E_BAD_PROMPT", "segmentAll takes a list of prompts.");
    }
    const context = {
      width: this.width,
      height: this.height,
      granularity: this.#engine.granularity,
      model: this.#engine.name,
    };
    const parsed = prompts.map((prompt, index) => {
      try {
        return parsePrompt(prompt, context);
      } catch (error) {
        if (prompts.length === 1 || !(error instanceof UnSAMError)) throw error;
        throw new UnSAMError(error.code, `Prompt ${index}: ${error.message}`);
      }
    });
    if (parsed.length === 0) return [];
    const answers = await this.#image.segment(parsed, {
      multimask: options.multimask ?? false,
      maxHoleArea: area("maxHoleArea", options.maxHoleArea),
      maxSprinkleArea: area("maxSprinkleArea", options.maxSprinkleArea),
      ...(options.signal ? { signal: options.signal } : {}),
    });
    return answers.map((answer) => this.#segment(answer));
  }

  #segment({ best, candidates }: EngineAnswer): Segment {
    const all = candidates.map((candidate) => new Segment(candidate, [], this.#source));
    return new Segment(best, all, this.#source);
  }

  /**
   * Writes the encoding to a safetensors file (half precision, bound to the model; no pixels of the photo).
   * Written under a temporary name and renamed, so that the file is whole or absent.
   */
  async save(path: string): Promise<void> {
    this.#alive();
    await writeEncodedImage(path, await this.#image.save(), {
      width: this.width,
      height: this.height,
      engine: this.#engine,
    });
  }

  /** Reads what `save` wrote. Throws `E_BAD_FILE` for a damaged file or one made with another model. */
  static async load(unsam: { readonly engine: Engine }, path: string): Promise<EncodedImage> {
    const { state, width, height } = await readEncodedImage(path, unsam.engine.info);
    return new EncodedImage(unsam.engine.info, await unsam.engine.restore(state, { width, height }), null);
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

function area(name: string, value: number | undefined): number {
  if (value === undefined) return 0;
  if (Number.isFinite(value) && value >= 0) return value;
  throw new UnSAMError("E_BAD_OPTION", `${name} is ${value}; give a number of pixels, 0 or more.`);
}
