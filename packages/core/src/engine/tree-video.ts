import { UnSAMError } from "../errors.js";
import type { RgbImage } from "../image/index.js";
import { Mask } from "../mask/index.js";
import { frameBuffers, type TreeFrame } from "../region-tracking/index.js";
import { TREE_LOGIT_SIDE } from "../region-tree/index.js";
import { type CallLimit, computeThreads, type Handle } from "../runtime/index.js";
import type {
  EngineVideo,
  FrameSource,
  VideoAnswer,
  VideoCall,
  VideoOptions,
  VideoPrompt,
} from "./engine-video.js";
import { checkTreeMask } from "./mask-prompt.js";
import type { TreeGrowth } from "./region-tree-engine.js";
import { sentMask } from "./sent-mask.js";
import type { SentTreeAnswer, TreeVideoSession } from "./tree-video.worker.js";

const compute = computeThreads().bind<typeof import("./tree-video.worker.js")>(
  new URL("./tree-video.worker.js", import.meta.url),
  "bulk",
);

/** Options that say how a memory of features is read. Here there is none: a frame is answered from the one beside it. */
const OF_MEMORIES = {
  keepCorrections: true,
  maxConditioningFrames: Number.POSITIVE_INFINITY,
  memoryStride: 1,
  memoryPrecision: "bfloat16",
  memory: "auto",
} as const satisfies Partial<VideoOptions>;

/** Opens a video that is followed by region trees and motion. Throws `E_UNSUPPORTED` for options of a memory. */
export async function openTreeVideo(
  name: string,
  growth: TreeGrowth,
  limit: CallLimit,
  source: FrameSource,
  options: VideoOptions,
  { signal }: VideoCall,
): Promise<{ video: EngineVideo; handle: Handle<TreeVideoSession> }> {
  for (const key of Object.keys(OF_MEMORIES) as (keyof typeof OF_MEMORIES)[]) {
    if (options[key] === OF_MEMORIES[key]) continue;
    throw new UnSAMError(
      "E_UNSUPPORTED",
      `openVideo: ${key} is ${options[key]}, but ${name} follows objects without a memory of features; leave it out.`,
    );
  }
  const { width, height } = source;
  const { history, maxHoleArea, maxFeatureBytes } = options;
  const handle = await compute(
    "openTreeVideo",
    [
      { width, height },
      { history, maxHoleArea, maxFeatureBytes },
    ],
    { signal },
  );
  return { video: new TreeVideo(handle, growth, limit, source, options), handle };
}

class TreeVideo implements EngineVideo {
  readonly memory = "none";
  readonly reasons = { memory: "Built-in models follow objects without a memory of features." };
  readonly #session: Handle<TreeVideoSession>;
  readonly #growth: TreeGrowth;
  readonly #limit: CallLimit;
  readonly #source: FrameSource;
  readonly #options: VideoOptions;

  constructor(
    session: Handle<TreeVideoSession>,
    growth: TreeGrowth,
    limit: CallLimit,
    source: FrameSource,
    options: VideoOptions,
  ) {
    this.#session = session;
    this.#growth = growth;
    this.#limit = limit;
    this.#source = source;
    this.#options = options;
  }

  async prompt(
    object: number,
    frame: number,
    { mask, ...prompt }: VideoPrompt,
    { signal }: VideoCall,
  ): Promise<VideoAnswer> {
    checkTreeMask(mask, TREE_LOGIT_SIDE, this.#source);
    if (!(await this.#look(frame, signal))) {
      throw new UnSAMError("E_BAD_PROMPT", `Frame ${frame} was prompted, but the video ends before it.`);
    }
    const sent = await compute("prompt", [this.#session, object, frame, prompt, mask && sentMask(mask)], {
      signal,
    });
    return (await this.#finish(sent, signal)).get(object)!;
  }

  start({ signal }: VideoCall): Promise<number> {
    return compute("start", [this.#session], { signal });
  }

  async track(
    frame: number,
    {
      reverse,
      granularity,
    }: { readonly reverse: boolean; readonly granularity: ReadonlyMap<number, number | null> },
    { signal }: VideoCall,
  ): Promise<Map<number, VideoAnswer> | null> {
    const { objects, needsFrame } = await compute("ask", [this.#session, frame], { signal });
    if (needsFrame && !(await this.#look(frame, signal))) return null;
    const sent: SentTreeAnswer[] = [];
    // Object by object, so that other work may come between.
    for (const object of objects) {
      const how = { reverse, granularity: granularity.get(object) ?? null };
      sent.push(...(await compute("track", [this.#session, object, frame, how], { signal })));
    }
    return this.#finish(sent, signal);
  }

  clearPrompts(object: number, frame: number): Promise<void> {
    return compute("clearPrompts", [this.#session, object, frame]);
  }

  remove(object: number): Promise<void> {
    return compute("remove", [this.#session, object]);
  }

  reset(): Promise<void> {
    return compute("reset", [this.#session]);
  }

  async dispose(): Promise<void> {
    // Nobody needs to wait until the other thread gets to it.
    this.#session.release().catch(() => {});
  }

  /** Makes sure that a frame is there; false: the video ends before it. */
  async #look(at: number, signal: AbortSignal | undefined): Promise<boolean> {
    if (await compute("holds", [this.#session, at], { signal })) return true;
    const image = await this.#source.read(at, signal);
    if (image === null) return false;
    const frame = await this.#grow(image, signal);
    await compute("look", [this.#session, at, frame], { transfer: frameBuffers(frame), signal });
    return true;
  }

  async #grow(image: RgbImage, signal: AbortSignal | undefined): Promise<TreeFrame> {
    const cues = await this.#growth.cues(image, signal);
    return compute("grow", [image, this.#growth.kernels, cues], { limit: this.#limit, signal });
  }

  async #finish(
    sent: readonly SentTreeAnswer[],
    signal: AbortSignal | undefined,
  ): Promise<Map<number, VideoAnswer>> {
    const { width, height } = this.#source;
    const words =
      this.#options.nonOverlapping && sent.length > 1
        ? await compute("withoutOverlap", [sent.map(({ words, objectScore }) => ({ words, objectScore }))], {
            signal,
          })
        : sent.map((one) => one.words);
    return new Map(
      sent.map(({ object, logits, score, objectScore }, i) => [
        object,
        {
          mask: new Mask(width, height, words[i]),
          score,
          objectScore,
          logits: { data: logits, shape: [TREE_LOGIT_SIDE, TREE_LOGIT_SIDE] },
        },
      ]),
    );
  }
}
