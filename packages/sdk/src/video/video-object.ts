import type { EngineVideo, VideoAnswer, VideoPrompt } from "@unsam/core/engine";
import { shownValue, UnSAMError } from "@unsam/core/errors";
import type { Mask } from "@unsam/core/mask";
import { checkKeys, parseOptions } from "@unsam/core/options";
import type { Tensor } from "@unsam/core/tensor";
import { z } from "zod";
import { type Granularity, parseGranularity } from "../granularity.js";
import { type PromptInput, parsePrompt } from "../prompt.js";
import { Segment } from "../segment.js";

/** An object on a frame. */
export interface TrackedMask {
  /** At the size of the video. */
  readonly mask: Mask;
  /** Predicted IoU; 1 for a mask that was given. */
  readonly score: number;
  /** Raw object-score logit. */
  readonly objectScore: number;
  /** Whether the model believes that the object is on this frame (`objectScore` above 0). */
  readonly isPresent: boolean;
  /** The granularity it was asked with; null where the model got none. */
  readonly granularity: number | null;
  /** Low-resolution logits, [h, w]. */
  readonly logits: Tensor;
}

export interface PromptOptions {
  /** Points that the frame has already stay (default false: they are replaced). */
  readonly extend?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What an object needs of its video. */
export interface ObjectHost {
  readonly width: number;
  readonly height: number;
  length(): number | null;
  readonly model: { readonly name: string; readonly granularity: boolean };
  run<Result>(
    signal: AbortSignal | undefined,
    work: (video: EngineVideo, signal: AbortSignal) => Promise<Result>,
  ): Promise<Result>;
  /** Throws `E_BAD_PROMPT` for an object that was removed. */
  check(object: VideoObject): void;
  remove(object: VideoObject): Promise<void>;
  /** Keeps an answer for `save` and `render`. */
  record(object: number, frame: number, answer: TrackedMask): void;
}

const promptSchema = z.strictObject({
  extend: z.boolean().default(false),
  signal: z.instanceof(AbortSignal).optional(),
});

/** Something that is followed through a video; made by `video.object()`. */
export class VideoObject {
  readonly id: number;
  readonly #host: ObjectHost;
  #granularity: number | null;

  /** @internal Use `video.object`. */
  constructor(host: ObjectHost, id: number, granularity: Granularity | undefined) {
    this.#host = host;
    this.id = id;
    this.#granularity = videoGranularity(granularity, host.model);
  }

  /** From the next prompt or tracked frame on; 1, the whole object, by default. Throws `E_BAD_PROMPT`. */
  get granularity(): number | null {
    return this.#granularity;
  }

  set granularity(value: Granularity) {
    this.#granularity = videoGranularity(value, this.#host.model);
  }

  /**
   * Says what is meant on a frame, with clicks, a box, a mask, and what the model makes of it. On a frame that was tracked
   * already it is a correction; `video.track` from there on follows it. A mask is taken as it is, and points beside it
   * correct it. A granularity in the prompt becomes the object's. Throws `E_BAD_PROMPT`.
   */
  async prompt(frame: number, input: PromptInput, options: PromptOptions = {}): Promise<TrackedMask> {
    const { extend, signal } = parseOptions(promptSchema, options, "object.prompt");
    this.#host.check(this);
    checkFrame(frame, this.#host.length());
    const { width, height, model } = this.#host;
    // A segment's mask is exact; its logits are of low resolution.
    const mask = input?.mask instanceof Segment ? input.mask.mask : input?.mask;
    const { granularity: own, ...given } = input ?? {};
    const parsed = parsePrompt(input === null || input === undefined ? input : { ...given, mask }, {
      width,
      height,
      granularity: model.granularity,
      model: model.name,
    });
    if (extend && parsed.box) {
      throw new UnSAMError("E_BAD_PROMPT", "A box replaces the points of its frame; leave extend out.");
    }
    if (own !== undefined) this.#granularity = videoGranularity(own, model);
    const granularity = this.#granularity;
    const { points, box } = parsed;
    const prompt: VideoPrompt = { points, box, mask: parsed.mask, extend, granularity };
    const answer = await this.#host.run(signal, (video, stop) =>
      video.prompt(this.id, frame, prompt, { signal: stop }),
    );
    const tracked = trackedMask(answer, granularity);
    this.#host.record(this.id, frame, tracked);
    return tracked;
  }

  /** Takes back what was said on a frame. What the frame remembers of the object stays. */
  async clear(frame: number, options: { readonly signal?: AbortSignal | undefined } = {}): Promise<void> {
    checkKeys(options, ["signal"], "object.clear");
    this.#host.check(this);
    checkFrame(frame, this.#host.length());
    await this.#host.run(options.signal, (video) => video.clearPrompts(this.id, frame));
  }

  /** Ends following it; the others are not touched. */
  remove(): Promise<void> {
    return this.#host.remove(this);
  }
}

export function trackedMask(answer: VideoAnswer, granularity: number | null): TrackedMask {
  return { ...answer, isPresent: answer.objectScore > 0, granularity };
}

/** Throws `E_BAD_PROMPT` where there is no such frame. */
function checkFrame(frame: number, length: number | null): void {
  if (Number.isInteger(frame) && frame >= 0 && (length === null || frame < length)) return;
  const most = length === null ? "0 or more" : `from 0 to ${length - 1}`;
  throw new UnSAMError("E_BAD_PROMPT", `The frame is ${shownValue(frame)}; give a whole number, ${most}.`);
}

function videoGranularity(
  value: Granularity | undefined,
  model: { readonly name: string; readonly granularity: boolean },
): number | null {
  if (value === undefined) return model.granularity ? 1 : null;
  const granularity = parseGranularity(value);
  if (granularity === "auto") {
    throw new UnSAMError(
      "E_BAD_PROMPT",
      'The granularity of a video\'s object cannot be "auto"; give a number, a name or null.',
    );
  }
  if (granularity !== null && !model.granularity) {
    throw new UnSAMError(
      "E_BAD_PROMPT",
      `The granularity is ${shownValue(value)}, but ${model.name} is a model without granularity; leave it out.`,
    );
  }
  return granularity;
}
