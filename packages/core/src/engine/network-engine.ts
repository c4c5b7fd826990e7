import type { NativeStatus } from "@unsam/native-cuda";
import {
  assemblePrompt,
  type DecodedMasks,
  type ImageFeatures,
  type MaskDecoder,
  type NetworkPrompt,
  openNativeDecoder,
  type PreparedImage,
} from "../decoder/index.js";
import { UnSAMError } from "../errors.js";
import type { RgbImage } from "../image/index.js";
import { Mask } from "../mask/index.js";
import type { FeatureMap } from "../models/index.js";
import type { Prompt } from "../prompt.js";
import { type Handle, HandleSet, inferenceThread, Turns } from "../runtime/index.js";
import { elementCount } from "../tensor.js";
import type { ClickBatch, MaskBatch, ProposalCall } from "../whole-image/index.js";
import { AUTOMATIC_LEVELS, MOST_SCALES, scalesOfLadder } from "./automatic-granularity.js";
import type {
  Engine,
  EngineAnswer,
  EngineImage,
  EngineInfo,
  EngineSegment,
  ImageState,
  SegmentOptions,
} from "./engine.js";
import type { EngineVideo, FrameSource, VideoCall, VideoOptions } from "./engine-video.js";
import type { MaskFinisher } from "./mask-finisher.js";
import { maskPromptLogits } from "./mask-prompt.js";
import { nativeFinisher } from "./native-finisher.js";
import { ASKED, encoderReason, memoryChoice, nativeStatus } from "./native-status.js";
import type { Network, OpenCheckpoint } from "./network.worker.js";
import { type ProposeClicks, proposeHere } from "./network-clicks.js";
import type { NetworkOptions } from "./network-options.js";
import { openNetworkVideo } from "./network-video.js";
import { onnxDecoder, proposeThere } from "./onnx-decoder.js";
import { settlePrecision } from "./precision.js";
import type { VideoSession } from "./video.worker.js";
import { workerFinisher } from "./worker-finisher.js";

const inference = inferenceThread().bind<typeof import("./network.worker.js")>(
  new URL("./network.worker.js", import.meta.url),
  "bulk",
);

/** Images nobody disposed and nobody holds any more. */
const forgotten = new FinalizationRegistry<PreparedImage>((image) => {
  image.dispose().catch(() => {});
});

/** A checkpoint that is open on the inference thread until its handle is released. */
export interface RecognisedCheckpoint {
  /** Name of the family of networks that its tensors are of. */
  readonly family: string;
  readonly handle: Handle<OpenCheckpoint>;
}

/**
 * Opens a checkpoint and looks at its tensors. `families`: modules whose default exports are the families (`NetworkFamily`, or
 * a list of them) that it may be of; the thread imports them. Throws `E_BAD_CHECKPOINT`, `E_BAD_OPTION`.
 */
export function recogniseCheckpoint(
  { checkpoint, weights, signal }: Pick<NetworkOptions, "checkpoint" | "weights" | "signal">,
  families: readonly string[],
): Promise<RecognisedCheckpoint> {
  return inference("recognise", [checkpoint, weights, families], { signal });
}

/**
 * Opens a promptable network from its checkpoint: image encoder and mask decoder in the addon or on ONNX Runtime.
 * Throws `E_BAD_CHECKPOINT`, `E_BAD_CONFIG`, `E_UNSUPPORTED`, `E_RUNTIME`.
 */
export async function openNetworkEngine(
  { handle }: RecognisedCheckpoint,
  options: NetworkOptions,
): Promise<Engine> {
  const { signal, ...plain } = options;
  const native = await nativeStatus(options);
  const addon = native?.binding ? native.path : null;
  const binding = options.decoder === "onnx" ? null : (native?.binding ?? null);
  const { precision, reason } = settlePrecision(options, binding);
  const opened = await inference("open", [handle, { ...plain, precision, addon }], { signal });
  const { network, weights, imageSize, width } = opened;
  const reasons = { ...reasonsOf(options, native, opened), precision: reason };
  if (options.precision === "bfloat16" && !(binding && weights)) {
    await network.release();
    throw new UnSAMError(
      "E_UNSUPPORTED",
      `precision "bfloat16" is one of the native decoder, which is not in use here: ${reasons.decoder} Leave precision out.`,
    );
  }
  const turns = new Turns();
  const decoder =
    binding && weights
      ? await openNativeDecoder(binding, weights, opened.features, { ...options, precision, turns }).catch(
          async (cause) => {
            await network.release();
            throw cause;
          },
        )
      : onnxDecoder(network, { width, side: imageSize / 16 });
  const propose =
    decoder.kind === "native" ? proposeHere(decoder) : proposeThere({ width, side: imageSize / 16 });
  const info: EngineInfo = {
    name: options.checkpoint,
    family: opened.family,
    description: opened.description,
    capabilities: opened.capabilities,
    fingerprint: opened.fingerprint,
    device: options.device === "cuda" ? "cuda" : "cpu",
    encoder: opened.encoder,
    decoder: decoder.kind,
    kernels: binding && weights ? "native" : "typescript",
    precision,
    reasons,
  };
  const finisher = binding && weights ? nativeFinisher(binding, turns, options.threads) : workerFinisher;
  return new NetworkEngine(info, network, opened, { decoder, propose, finisher }, (wanted) =>
    memoryChoice(wanted, options.device, native),
  );
}

/** Why `device: "auto"` is the processor. */
export const CPU_BY_DEFAULT = 'CUDA is used only where it is asked for (device: "cuda").';

/** Why the parts of an opened network are what they are. `nativeMisfit`: why the native decoder cannot run it; null: it can. */
function reasonsOf(
  options: NetworkOptions,
  native: NativeStatus | null,
  { encoder, nativeMisfit: misfit }: { encoder: "onnx" | "native"; nativeMisfit: string | null },
): Omit<EngineInfo["reasons"], "precision"> {
  const { device, decoder, cudaDevice } = options;
  const without =
    decoder === "onnx" || !native
      ? 'decoder: "onnx" was asked for.'
      : native.binding === null
        ? native.reason
        : misfit && `The native decoder cannot run this model: ${misfit}.`;
  const chosen =
    decoder !== "auto" ? ASKED : (without ?? "The addon is there and fits the model; it is the fastest one.");
  return {
    device: device === "auto" ? CPU_BY_DEFAULT : ASKED,
    encoder: encoderReason(options, native, encoder),
    decoder: typeof cudaDevice === "number" ? `CUDA device ${cudaDevice} was asked for.` : chosen,
    kernels: without ?? "The addon is there.",
  };
}

/** What answers prompts. */
interface Answering {
  readonly decoder: MaskDecoder;
  readonly propose: ProposeClicks;
  readonly finisher: MaskFinisher;
}

class NetworkEngine implements Engine {
  readonly info: EngineInfo;
  readonly encodesAtOnce = 1;
  readonly #network: Handle<Network>;
  readonly #side: number;
  readonly #features: readonly FeatureMap[];
  readonly #answering: Answering;
  readonly #memoryFor: (wanted: VideoOptions["memory"]) => ReturnType<typeof memoryChoice>;
  readonly #videos = new HandleSet<VideoSession>();

  constructor(
    info: EngineInfo,
    network: Handle<Network>,
    { imageSize, features }: { readonly imageSize: number; readonly features: readonly FeatureMap[] },
    answering: Answering,
    memoryFor: (wanted: VideoOptions["memory"]) => ReturnType<typeof memoryChoice>,
  ) {
    this.info = info;
    this.#memoryFor = memoryFor;
    this.#network = network;
    this.#side = imageSize;
    this.#features = features;
    this.#answering = answering;
  }

  async encode(image: RgbImage, { signal }: { signal?: AbortSignal }): Promise<EngineImage> {
    const features = await inference("encode", [this.#network, image], { signal });
    return this.#image(features, image);
  }

  async restore(state: ImageState, size: { width: number; height: number }): Promise<EngineImage> {
    const read = ({ name, shape }: FeatureMap) => {
      const tensor = state.tensors.get(name);
      if (!tensor || !(tensor.data instanceof Float32Array) || tensor.shape.join() !== shape.join()) {
        const found = tensor ? `[${tensor.shape.join(", ")}]` : "nothing";
        throw new UnSAMError(
          "E_BAD_FILE",
          `The saved encoding needs ${name} of shape [${shape.join(", ")}]; found ${found}.`,
        );
      }
      return [name, { data: tensor.data, shape }];
    };
    return this.#image(Object.fromEntries(this.#features.map(read)) as ImageFeatures, size);
  }

  async openVideo(source: FrameSource, options: VideoOptions, call: VideoCall): Promise<EngineVideo> {
    const memory = this.#memoryFor(options.memory);
    const parts = { finisher: this.#answering.finisher, side: this.#side, memory };
    const { video, handle } = await openNetworkVideo(this.#network, source, options, parts, call);
    this.#videos.add(handle);
    return video;
  }

  async #image(
    features: ImageFeatures,
    { width, height }: { width: number; height: number },
  ): Promise<EngineImage> {
    const prepared = await this.#answering.decoder.prepare(features);
    const image = new NetworkImage(this.#answering, prepared, {
      width,
      height,
      side: this.#side,
      // Once as features and once made ready for the decoder.
      bytes: 2 * 4 * this.#features.reduce((sum, { shape }) => sum + elementCount(shape), 0),
    });
    forgotten.register(image, prepared, image);
    return image;
  }

  async dispose(): Promise<void> {
    await this.#videos.releaseAll();
    await this.#answering.decoder.dispose();
    await this.#network.release();
  }
}

class NetworkImage implements EngineImage {
  readonly width: number;
  readonly height: number;
  readonly bytes: number;
  /** Side of the network's input frame, pixels. */
  readonly #side: number;
  readonly #decoder: MaskDecoder;
  readonly #propose: ProposeClicks;
  readonly #finisher: MaskFinisher;
  readonly #prepared: PreparedImage;

  constructor(
    { decoder, propose, finisher }: Answering,
    prepared: PreparedImage,
    size: { width: number; height: number; side: number; bytes: number },
  ) {
    this.width = size.width;
    this.height = size.height;
    this.bytes = size.bytes;
    this.#side = size.side;
    this.#decoder = decoder;
    this.#propose = propose;
    this.#finisher = finisher;
    this.#prepared = prepared;
  }

  async segment(prompts: readonly Prompt[], options: SegmentOptions): Promise<EngineAnswer[]> {
    const { multimask, signal } = options;
    // The levels of a ladder share one mask: what is made of it is made once, and the decoder knows it again.
    const masks = new Map<Prompt["mask"], Promise<Float32Array | null>>();
    for (const { mask } of prompts) {
      if (!masks.has(mask)) masks.set(mask, maskPromptLogits(mask, this.#side / 4, signal));
    }
    const asked = await Promise.all(
      prompts.map(async (prompt) => this.#networkPrompts(prompt, await masks.get(prompt.mask)!)),
    );
    const decoded = await this.#decoder.decode(this.#prepared, asked.flat(), {
      multimask,
      ...(signal ? { signal } : {}),
    });
    let next = 0;
    const chosen = asked.map((levels) => {
      const answers = decoded.slice(next, next + levels.length);
      next += levels.length;
      const all = answers.map((masks, i) => ({ masks, granularity: levels[i].granularity }));
      return all.length === 1 ? all : mostPersistentFirst(all);
    });
    const finished = await this.#finish(chosen.flat(), options);
    next = 0;
    return chosen.map(({ length }) => {
      const [answer, ...others] = finished.slice(next, next + length);
      next += length;
      return { ...answer, alternatives: others.map(({ best }) => best) };
    });
  }

  /** One network prompt, or a ladder of them where the granularity is to be chosen. */
  #networkPrompts(prompt: Prompt, maskLogits: Float32Array | null): NetworkPrompt[] {
    const { width, height } = this;
    const levels = prompt.granularity === "auto" ? AUTOMATIC_LEVELS : [prompt.granularity];
    return levels.map((granularity) =>
      assemblePrompt({ ...prompt, maskLogits, granularity }, { width, height }, this.#side),
    );
  }

  async #finish(
    chosen: readonly DecodedAnswer[],
    { maxHoleArea, maxSprinkleArea, signal }: SegmentOptions,
  ): Promise<Omit<EngineAnswer, "alternatives">[]> {
    const side = this.#side / 4;
    const size = { width: this.width, height: this.height };
    const maps = chosen.map(({ masks }) =>
      Array.from({ length: masks.tokens.length }, (_, i) =>
        masks.lowRes.slice(i * side * side, (i + 1) * side * side),
      ),
    );
    const finished = await this.#finisher.finish(maps.flat(), side, size, {
      maxHoleArea,
      maxSprinkleArea,
      signal,
    });
    let next = 0;
    return chosen.map(({ masks, granularity }, prompt) => {
      const segments = maps[prompt].map((data, i): EngineSegment => {
        const { words, stability } = finished[next++];
        return {
          mask: new Mask(size.width, size.height, words),
          score: masks.predictedIou[i],
          objectScore: masks.objectScore,
          stability,
          granularity,
          logits: { data, shape: [side, side] },
        };
      });
      const best = segments.reduce((a, b) => (b.score > a.score ? b : a));
      return { best, candidates: segments.length > 1 ? segments : [] };
    });
  }

  propose(clicks: ClickBatch, { signal }: ProposalCall): AsyncIterable<MaskBatch> {
    const size = { width: this.width, height: this.height, side: this.#side };
    return this.#propose(this.#prepared, size, clicks, signal);
  }

  async save(): Promise<ImageState> {
    const features = Object.entries(await this.#prepared.features());
    return { tensors: new Map(features.map(([name, tensor]) => [name, { ...tensor, half: true }])) };
  }

  async dispose(): Promise<void> {
    forgotten.unregister(this);
    await this.#prepared.dispose();
  }
}

/** What the decoder said at one granularity. */
interface DecodedAnswer {
  readonly masks: DecodedMasks;
  readonly granularity: number | null;
}

/** Of the ladder that "auto" decodes: the scale it chooses, then the runners-up. */
function mostPersistentFirst(levels: readonly DecodedAnswer[]): DecodedAnswer[] {
  const decoded = levels.map(({ masks, granularity }) => ({
    granularity: granularity ?? 0,
    logits: masks.lowRes,
    score: masks.predictedIou[0],
  }));
  return scalesOfLadder(decoded, MOST_SCALES).map(({ index }) => levels[index]);
}
