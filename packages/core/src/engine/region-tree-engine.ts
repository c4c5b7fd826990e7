import { UnSAMError } from "../errors.js";
import type { RgbImage } from "../image/index.js";
import { Mask } from "../mask/index.js";
import type { ModelCapabilities } from "../models/index.js";
import type { Prompt } from "../prompt.js";
import { logOdds, type RegionTree, TREE_LOGIT_SIDE, treeBuffers } from "../region-tree/index.js";
import {
  bulkThreads,
  CallLimit,
  computeThreads,
  type Handle,
  HandleSet,
  useBulkThreads,
} from "../runtime/index.js";
import type { ClickBatch, MaskBatch, ProposalCall, WholeImageOptions } from "../whole-image/index.js";
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
import { checkTreeMask } from "./mask-prompt.js";
import type { KeyedAnswer, Painted, PlainPrompt } from "./region-tree.worker.js";
import { sentPort } from "./sent-port.js";
import type { TreeGrowth } from "./tree-growth.js";
import { openTreeVideo } from "./tree-video.js";
import type { TreeVideoSession } from "./tree-video.worker.js";

const tree = computeThreads().bind<typeof import("./region-tree.worker.js")>(
  new URL("./region-tree.worker.js", import.meta.url),
  "interactive",
);

const proposals = computeThreads().bind<typeof import("./region-tree-proposals.worker.js")>(
  new URL("./region-tree-proposals.worker.js", import.meta.url),
  "bulk",
);

/** Prompts handed over at once; they are copied, and all of them may hold masks. */
const PROMPTS_PER_CALL = 16;

/** What every model that answers by region trees can do. */
export const TREE_CAPABILITIES: ModelCapabilities = {
  granularity: true,
  multimask: false,
  refinement: false,
  regions: true,
  // The leaf of each pixel, however few runs the saved tree makes of them.
  restore: { bytesPerPixel: 4 },
  weights: "none",
  options: [],
  fillsMachine: false,
};

/** What their engines have in common. */
export const TREE_TRAITS = { device: "cpu", encoder: "none", decoder: "none", precision: "float32" } as const;

/** Why, for `EngineInfo`. */
export const TREE_REASONS = {
  device: "Region trees are grown on the processor.",
  encoder: "The tree is what an image is turned into; there are no features.",
  decoder: "Regions of the tree are the answers; there is no mask decoder.",
  precision: "Regions are merged by float32 cues.",
};

/**
 * Answers prompts by region trees, however they are grown. A tree is grown on any thread for bulk work, then moves to the
 * thread that answers, so that no click waits for a tree of somebody else.
 */
export class TreeEngine implements Engine {
  readonly info: EngineInfo;
  readonly #growth: TreeGrowth;
  readonly #limit: CallLimit;
  readonly #trees = new HandleSet<RegionTree>();
  readonly #videos = new HandleSet<TreeVideoSession>();
  #disposed = false;

  constructor(info: EngineInfo, threads: number | undefined, growth: TreeGrowth) {
    this.info = info;
    this.#growth = growth;
    if (threads !== undefined) useBulkThreads(threads);
    this.#limit = new CallLimit(threads ?? bulkThreads());
  }

  get encodesAtOnce(): number {
    return this.#limit.atMost;
  }

  async encode(image: RgbImage, { signal }: { signal?: AbortSignal }): Promise<EngineImage> {
    this.#alive();
    const cues = await this.#growth.cues(image, signal);
    const options = { priority: "bulk", limit: this.#limit, signal } as const;
    return this.#adopt(await tree("build", [image, this.#growth.kernels, cues], options), signal);
  }

  async restore(state: ImageState, size: { width: number; height: number }): Promise<EngineImage> {
    this.#alive();
    return this.#adopt(await tree("restore", [state, size], { priority: "bulk", limit: this.#limit }));
  }

  async #adopt(grown: RegionTree, signal?: AbortSignal): Promise<EngineImage> {
    const { width, height } = grown;
    const transfer = treeBuffers(grown);
    const handle = await tree("adopt", [grown], { transfer, signal, reserved: true });
    this.#trees.add(handle);
    if (this.#disposed) await this.#trees.releaseAll();
    this.#alive();
    return new RegionTreeImage(handle, width, height);
  }

  async openVideo(source: FrameSource, options: VideoOptions, call: VideoCall): Promise<EngineVideo> {
    this.#alive();
    const { name } = this.info;
    const { video, handle } = await openTreeVideo(name, this.#growth, this.#limit, source, options, call);
    this.#videos.add(handle);
    if (this.#disposed) await this.#videos.releaseAll();
    this.#alive();
    return video;
  }

  async dispose(): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    await this.#videos.releaseAll();
    await this.#trees.releaseAll();
    await this.#growth.close?.();
  }

  #alive(): void {
    if (this.#disposed) throw new UnSAMError("E_DISPOSED", "This model was disposed; load it again.");
  }
}

class RegionTreeImage implements EngineImage {
  readonly width: number;
  readonly height: number;
  readonly bytes: number;
  readonly #tree: Handle<RegionTree>;

  constructor(handle: Handle<RegionTree>, width: number, height: number) {
    this.#tree = handle;
    this.width = width;
    this.height = height;
    // The leaf of each pixel; the nodes are few beside that.
    this.bytes = 4 * width * height;
  }

  async segment(prompts: readonly Prompt[], options: SegmentOptions): Promise<EngineAnswer[]> {
    const { maxHoleArea, maxSprinkleArea, signal } = options;
    for (const { mask } of prompts) checkTreeMask(mask, TREE_LOGIT_SIDE, this);
    const plain = plainPrompts(prompts);
    const painted = new Map<string, Painted>();
    const answers: { best: KeyedAnswer; alternatives: KeyedAnswer[] }[] = [];
    while (answers.length < plain.length) {
      const part = plain.slice(answers.length, answers.length + PROMPTS_PER_CALL);
      const step = await tree(
        "segment",
        [this.#tree, part, { maxHoleArea, maxSprinkleArea }, [...painted.keys()]],
        { signal },
      );
      for (const [key, mask] of step.painted) painted.set(key, mask);
      answers.push(...step.answers);
    }
    // Granularities that pick the same nodes share one mask, so that what is counted of it is counted once.
    const masks = new Map<string, Mask>();
    const segment = ({ key, score, stability }: KeyedAnswer, granularity: number): EngineSegment => {
      const { words, logits } = painted.get(key)!;
      const mask = masks.get(key) ?? new Mask(this.width, this.height, words);
      masks.set(key, mask);
      // The tree has no object score; the log-odds of its score has the same sign and sense.
      return { mask, score, objectScore: logOdds(score), stability, granularity, logits };
    };
    return answers.map(({ best, alternatives }, i) => {
      const asked = prompts[i].granularity;
      return {
        best: segment(best, typeof asked === "number" ? asked : best.granularity),
        candidates: [],
        alternatives: alternatives.map((other) => segment(other, other.granularity)),
      };
    });
  }

  async *propose(
    { points, granularity, options }: ClickBatch,
    { signal }: ProposalCall,
  ): AsyncGenerator<MaskBatch, void, undefined> {
    let seen: readonly number[] = [];
    for (let rest = points; rest.length > 0; ) {
      const clicks = [this.#tree, rest, granularity, options, seen] as const;
      const { step, port } = await sentPort((port) =>
        proposals("proposeByClicks", [...clicks, port], { transfer: [port], signal }),
      );
      rest = rest.slice(step.done);
      seen = step.seen;
      yield { kind: "sent", ports: [port] };
    }
  }

  async *proposeRegions(
    options: WholeImageOptions,
    { signal }: ProposalCall,
  ): AsyncGenerator<MaskBatch, void, undefined> {
    let rest = await proposals("chooseRegions", [this.#tree, options], { signal });
    while (rest.length > 0) {
      const regions = rest;
      const { step: done, port } = await sentPort((port) =>
        proposals("proposeRegions", [this.#tree, regions, port], { transfer: [port], signal }),
      );
      rest = rest.slice(done);
      yield { kind: "sent", ports: [port] };
    }
  }

  save(): Promise<ImageState> {
    return tree("save", [this.#tree], { priority: "bulk" });
  }

  async dispose(): Promise<void> {
    // Nobody needs to wait until the other thread gets to it.
    this.#tree.release().catch(() => {});
  }
}

/** Prompts as they cross threads: one object per mask, so that prompts which share a mask still do there. */
function plainPrompts(prompts: readonly Prompt[]): PlainPrompt[] {
  const plain = new Map<Mask, { width: number; height: number; words: Uint32Array }>();
  return prompts.map((prompt) => {
    const { mask } = prompt;
    if (!(mask instanceof Mask)) return { ...prompt, mask };
    const { width, height, words } = mask;
    const known = plain.get(mask) ?? { width, height, words };
    plain.set(mask, known);
    return { ...prompt, mask: known };
  });
}
