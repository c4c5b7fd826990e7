import { UnSAMError } from "../errors.js";
import { Mask } from "../mask/index.js";
import { computeThreads, type Handle, inferenceThread } from "../runtime/index.js";
import type { MemoryKind } from "../video/index.js";
import type {
  EngineVideo,
  FrameSource,
  VideoAnswer,
  VideoCall,
  VideoOptions,
  VideoPrompt,
} from "./engine-video.js";
import type { MaskFinisher } from "./mask-finisher.js";
import type { Network } from "./network.worker.js";
import { sentMask } from "./sent-mask.js";
import type { SentAnswer, VideoSession } from "./video.worker.js";

const inference = inferenceThread().bind<typeof import("./video.worker.js")>(
  new URL("./video.worker.js", import.meta.url),
  "bulk",
);
const compute = computeThreads().bind<typeof import("./non-overlap.worker.js")>(
  new URL("./non-overlap.worker.js", import.meta.url),
  "bulk",
);

/** Opens a video for an opened network. `side`: of the network's input. */
export async function openNetworkVideo(
  network: Handle<Network>,
  source: FrameSource,
  options: VideoOptions,
  { finisher, side, memory }: VideoParts,
  { signal }: VideoCall,
): Promise<{ video: EngineVideo; handle: Handle<VideoSession> }> {
  const { width, height, length } = source;
  const chosen = { ...options, memory: memory.memory };
  const handle = await inference("openVideo", [network, { width, height, length }, chosen], { signal });
  return { video: new NetworkVideo(handle, source, options, { finisher, side: side / 4, memory }), handle };
}

interface VideoParts {
  readonly finisher: MaskFinisher;
  readonly side: number;
  /** Where it is computed, and why. */
  readonly memory: { readonly memory: MemoryKind; readonly reason: string };
}

class NetworkVideo implements EngineVideo {
  readonly memory: MemoryKind;
  readonly reasons: EngineVideo["reasons"];
  readonly #session: Handle<VideoSession>;
  readonly #source: FrameSource;
  readonly #options: VideoOptions;
  readonly #finisher: MaskFinisher;
  /** Of low-resolution logits. */
  readonly #side: number;

  constructor(
    session: Handle<VideoSession>,
    source: FrameSource,
    options: VideoOptions,
    { finisher, side, memory }: VideoParts,
  ) {
    this.memory = memory.memory;
    this.reasons = { memory: memory.reason };
    this.#session = session;
    this.#source = source;
    this.#options = options;
    this.#finisher = finisher;
    this.#side = side;
  }

  async prompt(
    object: number,
    frame: number,
    { mask, ...prompt }: VideoPrompt,
    { signal }: VideoCall,
  ): Promise<VideoAnswer> {
    if (!(await this.#look(frame, signal))) {
      throw new UnSAMError("E_BAD_PROMPT", `Frame ${frame} was prompted, but the video ends before it.`);
    }
    const sent = await inference("prompt", [this.#session, object, frame, prompt, mask && sentMask(mask)], {
      signal,
    });
    // Of several objects the others decide which pixels are this one's.
    const wanted = this.#options.nonOverlapping ? sent : sent.filter((one) => one.object === object);
    return (await this.#finish(wanted, signal)).get(object)!;
  }

  start({ signal }: VideoCall): Promise<number> {
    return inference("start", [this.#session], { signal });
  }

  async track(
    frame: number,
    {
      reverse,
      granularity,
    }: { readonly reverse: boolean; readonly granularity: ReadonlyMap<number, number | null> },
    { signal }: VideoCall,
  ): Promise<Map<number, VideoAnswer> | null> {
    const { objects, needsFeatures } = await inference("ask", [this.#session, frame], { signal });
    if (needsFeatures && !(await this.#look(frame, signal))) return null;
    const sent: SentAnswer[] = [];
    // Object by object, so that a click elsewhere need not wait for all of them.
    for (const object of objects) {
      const how = { reverse, granularity: granularity.get(object) ?? null };
      sent.push(...(await inference("track", [this.#session, object, frame, how], { signal })));
    }
    return this.#finish(sent, signal);
  }

  clearPrompts(object: number, frame: number): Promise<void> {
    return inference("clearPrompts", [this.#session, object, frame]);
  }

  remove(object: number): Promise<void> {
    return inference("remove", [this.#session, object]);
  }

  reset(): Promise<void> {
    return inference("reset", [this.#session]);
  }

  async dispose(): Promise<void> {
    // Nobody needs to wait until the other thread gets to it.
    this.#session.release().catch(() => {});
  }

  /** Makes sure that the features of a frame are there; false: the video ends before it. */
  async #look(frame: number, signal: AbortSignal | undefined): Promise<boolean> {
    if (await inference("holds", [this.#session, frame], { signal })) return true;
    const image = await this.#source.read(frame, signal);
    if (image === null) return false;
    await inference("look", [this.#session, frame, image], { signal });
    return true;
  }

  async #finish(
    sent: readonly SentAnswer[],
    signal: AbortSignal | undefined,
  ): Promise<Map<number, VideoAnswer>> {
    const { width, height } = this.#source;
    const side = this.#side;
    const maps = sent.map(({ logits }) => logits);
    const size = { width, height };
    const words = this.#options.nonOverlapping
      ? await compute("nonOverlapping", [maps, side, size], { signal })
      : (await this.#finisher.finish(maps, side, size, { maxHoleArea: 0, maxSprinkleArea: 0, signal })).map(
          (finished) => finished.words,
        );
    return new Map(
      sent.map(({ object, logits, score, objectScore }, i) => [
        object,
        {
          mask: new Mask(width, height, words[i]),
          score,
          objectScore,
          logits: { data: logits, shape: [side, side] },
        },
      ]),
    );
  }
}
