import type { EngineSegment } from "@unsam/core/engine";
import { UnSAMError } from "@unsam/core/errors";
import type { ImageInput, RgbImage } from "@unsam/core/image";
import { type Mask, overlay } from "@unsam/core/mask";
import { checkKeys } from "@unsam/core/options";
import type { Tensor } from "@unsam/core/tensor";
import { drawOverPhoto } from "./photo-under-masks.js";

/** The finer and coarser scales of one prompt. */
export interface StepsToScales {
  /** The next different scale in a direction, or null where there is none; throws once the image is disposed. */
  step(from: Segment, direction: "finer" | "coarser", signal?: AbortSignal): Promise<Segment | null>;
}

/** What a segment knows beyond its mask. */
export interface SegmentContext {
  readonly alternatives?: readonly Segment[];
  /** The finer and coarser scales of the prompt it came from; null for a model without granularity. */
  readonly scales?: StepsToScales | null;
}

/** One mask: the answer to a prompt. Immutable. */
export class Segment {
  /** At the size of the original image. */
  readonly mask: Mask;
  /** Predicted IoU of the mask with the object meant, in [0, 1]; for the region tree the region's persistence. */
  readonly score: number;
  /** Raw object-score logit: above 0 the model believes that there is an object. */
  readonly objectScore: number;
  /** Stability score: IoU of the masks at logit thresholds −1 and +1 (Kirillov et al. 2023, section 5). */
  readonly stability: number;
  /** The granularity this mask answers to: as given, or as chosen by `"auto"`; null where the model got none. */
  readonly granularity: number | null;
  /**
   * Low-resolution logits as they left the decoder, shape [h, w]; they cover the whole image. As a mask prompt they count
   * within ±32, like all logits.
   */
  readonly logits: Tensor;
  /** All masks of the model in its official order, where it offers several (plain SAM 2 with `multimask`). */
  readonly candidates: readonly Segment[];
  /**
   * Where `"auto"` chose: the other scales it found under the prompt, the most persistent first, no two the same. Empty
   * otherwise.
   */
  readonly alternatives: readonly Segment[];
  readonly #source: RgbImage | null;
  readonly #scales: StepsToScales | null;

  constructor(
    segment: EngineSegment,
    candidates: readonly Segment[],
    source: RgbImage | null,
    { alternatives = [], scales = null }: SegmentContext = {},
  ) {
    this.mask = segment.mask;
    this.score = segment.score;
    this.objectScore = segment.objectScore;
    this.stability = segment.stability;
    this.granularity = segment.granularity;
    this.logits = segment.logits;
    this.candidates = candidates;
    this.alternatives = alternatives;
    this.#source = source;
    this.#scales = scales;
  }

  /** @internal The photo it was cut from, where its pixels are known. */
  get source(): RgbImage | null {
    return this.#source;
  }

  /** @internal The same answer with another mask. */
  withMask(mask: Mask): Segment {
    const { alternatives } = this;
    return new Segment({ ...this, mask }, this.candidates, this.#source, {
      alternatives,
      scales: this.#scales,
    });
  }

  /**
   * The next finer scale, with the same prompt and options: the mask at the nearest
   * of the granularities 0.1, 0.15 … 1 whose IoU with this one is below 0.95; null where there is none. The first step
   * decodes all of them in one call and keeps them; later steps only compare.
   * Throws `E_DISPOSED` once the image is disposed, `E_UNSUPPORTED` for a model without granularity.
   */
  finer(options: { readonly signal?: AbortSignal | undefined } = {}): Promise<Segment | null> {
    return this.#step("finer", options);
  }

  /** The next coarser scale; see `finer`. */
  coarser(options: { readonly signal?: AbortSignal | undefined } = {}): Promise<Segment | null> {
    return this.#step("coarser", options);
  }

  async #step(
    direction: "finer" | "coarser",
    options: { readonly signal?: AbortSignal | undefined },
  ): Promise<Segment | null> {
    checkKeys(options, ["signal"], direction);
    if (this.#scales) return this.#scales.step(this, direction, options.signal);
    throw new UnSAMError(
      "E_UNSUPPORTED",
      `There is nothing ${direction}: this segment's model is a plain SAM 2 without granularity.`,
    );
  }

  /**
   * The photo with this mask drawn over it, as PNG. An image loaded from disk has no pixels: give the photo then.
   * Throws `E_BAD_IMAGE` where it is missing or of another size.
   */
  async overlay(options: { image?: ImageInput } = {}): Promise<Buffer> {
    checkKeys(options, ["image"], "overlay");
    const { width, height } = this.mask;
    const missing =
      "This image was loaded from a saved encoding, which holds no pixels; give the photo: overlay({ image }).";
    const masked = { what: "mask", width, height, source: this.#source, missing };
    return drawOverPhoto(masked, options.image, undefined, (photo) => overlay(photo, [{ mask: this.mask }]));
  }
}
