import { type Engine, openNanoEngine, openNetworkEngine, openRegionTreeEngine } from "@unsam/core/engine";
import type { ImageInput } from "@unsam/core/image";
import { CalibratedEngine, type Calibration } from "./calibration/index.js";
import { EncodedImage } from "./encoded-image.js";
import {
  type LoadOptions,
  loadCalibration,
  type ParsedLoadOptions,
  parseLoadOptions,
} from "./load-options.js";
import { type EncodeOptions, PhotoEncoder } from "./photo-encoder.js";
import { type EverythingOptions, planEverything } from "./scene/everything-options.js";

/** What `unsam.model` tells about the model in use. */
export interface ModelInfo {
  /** `"region-tree"`, `"nano"`, or the checkpoint's path. */
  readonly name: string;
  readonly kind: "network" | "region-tree";
  /** One plain sentence. */
  readonly description: string;
  /** Whether prompts may carry a granularity. */
  readonly granularity: boolean;
  /** Where the encoder runs. */
  readonly device: "cpu" | "cuda";
  /** What encodes images, and what decodes masks: the addon, or ONNX Runtime. */
  readonly encoder: "onnx" | "native" | "none";
  readonly decoder: "onnx" | "native" | "none";
  /** Where computing outside of ONNX Runtime is done: in the addon, or in TypeScript. The answers are the same. */
  readonly kernels: "native" | "typescript";
  /** Why these and not others, one plain sentence each. */
  readonly reasons: {
    readonly device: string;
    readonly encoder: string;
    readonly decoder: string;
    readonly kernels: string;
  };
}

/** A loaded model. It holds memory and sessions until `dispose()`. */
export class UnSAM implements AsyncDisposable {
  /** @internal */
  readonly engine: Engine;
  /** @internal */
  readonly encoder: PhotoEncoder;
  /** What the dial was fitted to; null: it is the model's own. */
  readonly calibration: Calibration | null;
  #disposed = false;

  private constructor(engine: Engine, calibration: Calibration | null, options: LoadOptions) {
    this.engine = engine;
    this.encoder = new PhotoEncoder(engine, options.maxPixelsInFlight);
    this.calibration = calibration;
  }

  /**
   * Loads a model: by default the best built-in one (`"region-tree"`, which needs no weights).
   * Throws `E_BAD_CHECKPOINT`, `E_BAD_CONFIG`, `E_BAD_OPTION`, `E_UNSUPPORTED` (an option that the model has no use
   * for) or `E_BAD_FILE` (the calibration), or the reason of `signal`.
   */
  static async load(options: LoadOptions = {}): Promise<UnSAM> {
    const parsed = await parseLoadOptions(options);
    const calibration = await loadCalibration(options);
    options.signal?.throwIfAborted();
    const engine = await openEngine(parsed);
    if (!calibration) return new UnSAM(engine, null, options);
    try {
      return new UnSAM(new CalibratedEngine(engine, calibration), calibration, options);
    } catch (misfit) {
      await engine.dispose();
      throw misfit;
    }
  }

  get model(): ModelInfo {
    const { name, kind, description, granularity, device, encoder, decoder, kernels, reasons } =
      this.engine.info;
    return { name, kind, description, granularity, device, encoder, decoder, kernels, reasons };
  }

  /**
   * Looks at a photo once; every prompt on it is cheap afterwards. Photos wait undecoded until there is room for them
   * (`maxPixelsInFlight`); bytes and raw pixels are read until the promise settles. Throws `E_BAD_IMAGE`.
   * @param image path, `file:` URL, encoded bytes, raw pixels `{ data, width, height, channels }`, or a sharp instance
   * @param options.maxPixels larger photos are refused before they are decoded
   */
  async encode(image: ImageInput, options: EncodeOptions = {}): Promise<EncodedImage> {
    const { image: encoded, photo } = await this.encoder.encode(image, options);
    return new EncodedImage(this, encoded, photo);
  }

  /** Checks the options of `image.everything` before there is an image. Throws as that does. */
  checkEverything(options: EverythingOptions): void {
    const { name, granularity, kind } = this.engine.info;
    planEverything(options, { name, granularity, regions: kind === "region-tree", photo: true });
  }

  /** Releases the model and every image encoded with it; encodes that wait reject. A second dispose does nothing. */
  async dispose(): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    this.encoder.dispose();
    await this.engine.dispose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }
}

function openEngine(parsed: ParsedLoadOptions): Promise<Engine> {
  switch (parsed.kind) {
    case "region-tree":
      return openRegionTreeEngine(parsed.regionTree);
    case "nano":
      return openNanoEngine(parsed.nano);
    case "network":
      return openNetworkEngine(parsed.network);
  }
}
