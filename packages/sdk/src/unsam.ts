import type { Engine } from "@unsam/core/engine";
import { UnSAMError } from "@unsam/core/errors";
import { openModel } from "@unsam/core/families";
import type { ImageInput } from "@unsam/core/image";
import type { ModelCapabilities } from "@unsam/core/models";
import { CalibratedEngine, type Calibration } from "./calibration/index.js";
import { type OpenedModel, openDefaultModel } from "./default-model.js";
import { checkEncodeAll, encodeAll, type ImageInputs } from "./encode-all.js";
import { EncodedImage } from "./encoded-image.js";
import { type LoadOptions, loadCalibration, parseLoadOptions } from "./load-options.js";
import { type EncodeOptions, PhotoEncoder } from "./photo-encoder.js";
import { type EverythingOptions, planEverything } from "./scene/everything-options.js";
import { everythingTiled } from "./tiles/everything-tiled.js";
import { planTiled, type TiledOptions } from "./tiles/tiled-options.js";
import type { TiledScene } from "./tiles/tiled-scene.js";
import type { VideoInput } from "./video/frame-source.js";
import { Video } from "./video/video.js";
import type { VideoOptions } from "./video/video-options.js";

/** What `unsam.model` tells about the model in use. */
export interface ModelInfo {
  /** `"region-tree"`, `"nano"`, or the checkpoint's path. */
  readonly name: string;
  /** Name of its family: `"sam2"`, `"unsamv2"`, `"efficienttam"`, `"nano"`, `"region-tree"`, or one of your own. */
  readonly family: string;
  /** `"region-tree"` for a hierarchy of regions; `capabilities` tells more. */
  readonly kind: "network" | "region-tree";
  /** What it can do, and which options it takes. */
  readonly capabilities: ModelCapabilities;
  /** One plain sentence. */
  readonly description: string;
  /** Whether prompts may carry a granularity. */
  readonly granularity: boolean;
  /** Where the encoder runs. */
  readonly device: "cpu" | "cuda";
  /** What encodes images (or computes the network of nano), and what decodes masks: the addon, or ONNX Runtime. */
  readonly encoder: "onnx" | "native" | "none";
  readonly decoder: "onnx" | "native" | "none";
  /** Where computing outside of ONNX Runtime is done: in the addon, or in TypeScript. The answers are the same. */
  readonly kernels: "native" | "typescript";
  /** Operands of the products of encoder and decoder; sums are float32. */
  readonly precision: "float32" | "bfloat16";
  /** Why these and not others, one plain sentence each. */
  readonly reasons: {
    readonly model: string;
    readonly device: string;
    readonly encoder: string;
    readonly decoder: string;
    readonly kernels: string;
    readonly precision: string;
  };
}

/** A loaded model. It holds memory and sessions until `dispose()`. */
export class UnSAM implements AsyncDisposable {
  /** @internal */
  readonly engine: Engine;
  /** @internal */
  readonly encoder: PhotoEncoder;
  /** What granularity was fitted to; null: it is the model's own. */
  readonly calibration: Calibration | null;
  readonly #reason: string;
  readonly #maxPixelsInFlight: number | undefined;
  readonly #disposed = new AbortController();

  private constructor(
    { engine, reason }: OpenedModel,
    calibration: Calibration | null,
    options: LoadOptions,
  ) {
    this.engine = engine;
    this.encoder = new PhotoEncoder(engine, options.maxPixelsInFlight);
    this.#maxPixelsInFlight = options.maxPixelsInFlight;
    this.calibration = calibration;
    this.#reason = reason;
  }

  /**
   * Loads a model: by default `"nano"`, or `"region-tree"` where that cannot run. A name to fetch is
   * downloaded from huggingface.co, or the address that it is, where it is not on this machine (docs/models.md).
   * Throws `E_BAD_CHECKPOINT`, `E_BAD_CONFIG`, `E_BAD_OPTION`, `E_UNSUPPORTED` (an option that the model has no use
   * for), `E_BAD_FILE` (the calibration), `E_DOWNLOAD`, `E_OFFLINE`, `E_IO` (a name to fetch), or the reason of `signal`.
   */
  static async load(options: LoadOptions = {}): Promise<UnSAM> {
    const { model, options: open } = parseLoadOptions(options);
    const calibration = await loadCalibration(options);
    options.signal?.throwIfAborted();
    const opened =
      options.model === undefined
        ? await openDefaultModel(options.encoder, (name) => openModel(name, open))
        : { engine: await openModel(model, open), reason: "It was asked for." };
    if (!calibration) return new UnSAM(opened, null, options);
    try {
      const engine = new CalibratedEngine(opened.engine, calibration);
      return new UnSAM({ ...opened, engine }, calibration, options);
    } catch (misfit) {
      await opened.engine.dispose();
      throw misfit;
    }
  }

  get model(): ModelInfo {
    const { fingerprint: _, ...about } = this.engine.info;
    const { granularity, regions } = about.capabilities;
    const reasons = { model: this.#reason, ...about.reasons };
    return { ...about, kind: regions ? "region-tree" : "network", granularity, reasons };
  }

  /**
   * Encodes a photo once; every prompt on it is cheap afterwards. Photos wait undecoded until there is room for them
   * (`maxPixelsInFlight`); bytes and raw pixels are read until the promise settles. Throws `E_BAD_IMAGE`.
   * @param image path, `file:` URL, encoded bytes, raw pixels `{ data, width, height, channels }`, or a sharp instance
   * @param options.maxPixels larger photos are refused before they are decoded
   */
  async encode(image: ImageInput, options: EncodeOptions = {}): Promise<EncodedImage> {
    const { image: encoded, photo } = await this.encoder.encode(image, options);
    return new EncodedImage(this, encoded, photo);
  }

  /**
   * Encodes many photos in their order, each while the one before is worked with: `for await (const image of
   * unsam.encodeAll(files))`. No more are decoded than the model encodes at once, and one. Each image is yours to dispose; those ahead are
   * released when the loop is left. A photo that cannot be read ends it. Throws what `encode` throws, `E_BAD_OPTION`.
   */
  encodeAll(images: ImageInputs, options: EncodeOptions = {}): AsyncGenerator<EncodedImage, void, undefined> {
    checkEncodeAll(images, options);
    const encode = (image: ImageInput, own: EncodeOptions) => this.encode(image, own);
    return encodeAll(images, options, encode, this.engine.encodesAtOnce + 1);
  }

  /**
   * Opens a video to follow objects through. Networks need a checkpoint that holds their memory (SAM 2, SAM 2.1, UnSAMv2).
   * Throws `E_UNSUPPORTED`, `E_BAD_IMAGE`, `E_BAD_OPTION`, `E_BAD_CHECKPOINT`, `E_IO`, or the reason of `signal`.
   * @param frames a video file (MP4, MOV, WebM, MKV, AVI; by the ffmpeg of this machine), a folder of images, an animated GIF or
   *   WebP, a list of images, or an async iterable of images
   */
  openVideo(frames: VideoInput, options: VideoOptions = {}): Promise<Video> {
    const { engine } = this;
    const maker = { engine, disposed: this.#disposed.signal, maxPixelsInFlight: this.#maxPixelsInFlight };
    return Video.open(maker, frames, options);
  }

  /** Checks the options of `image.everything` before there is an image. Throws as that does. */
  checkEverything(options: EverythingOptions): void {
    const { name, capabilities } = this.engine.info;
    planEverything(options, { name, ...capabilities, photo: true });
  }

  /**
   * Finds everything in an image file that is too large to be decoded at once: tile by tile, what tiles cut is put together
   * or found at a smaller size (docs/large-images.md). Memory depends on the tile and on the masks, not on the image.
   * Throws `E_BAD_IMAGE`, `E_BAD_OPTION`, `E_BAD_PROMPT`, `E_UNSUPPORTED`, `E_DISPOSED`, or the reason of `signal`.
   */
  async everythingTiled(image: string | URL, options: TiledOptions = {}): Promise<TiledScene> {
    return everythingTiled(this, image, this.#planTiled(options), options);
  }

  /** Checks the options of `everythingTiled` before there is an image. Throws as that does. */
  checkEverythingTiled(options: TiledOptions): void {
    this.#planTiled(options);
  }

  #planTiled(options: TiledOptions) {
    const { name, capabilities } = this.engine.info;
    return planTiled(options, { name, ...capabilities, photo: true });
  }

  /** Releases the model and every image encoded with it; encodes that wait reject. A second dispose does nothing. */
  async dispose(): Promise<void> {
    if (this.#disposed.signal.aborted) return;
    this.#disposed.abort(new UnSAMError("E_DISPOSED", "This model was disposed; load it again."));
    this.encoder.dispose();
    await this.engine.dispose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }
}
