import { availableParallelism } from "node:os";
import { loadNative } from "@unsam/native-cuda";
import { UnSAMError } from "../errors.js";
import type { RgbImage } from "../image/index.js";
import { Mask } from "../mask/index.js";
import type { Prompt } from "../prompt.js";
import { REGION_TREE_RECIPE, TREE_LOGIT_SIDE } from "../region-tree/index.js";
import { computeThread } from "../runtime/index.js";
import type { ClickBatch, CollectedBatch, WholeImageOptions } from "../whole-image/index.js";
import type {
  Engine,
  EngineAnswer,
  EngineImage,
  EngineInfo,
  EngineSegment,
  ImageState,
  SegmentOptions,
} from "./engine.js";

import { checkTreeMask } from "./mask-prompt.js";

const tree = computeThread().bind<typeof import("./region-tree.worker.js")>(
  new URL("./region-tree.worker.js", import.meta.url),
);

const scene = computeThread().bind<typeof import("./region-tree-scene.worker.js")>(
  new URL("./region-tree-scene.worker.js", import.meta.url),
);

/** Images nobody disposed and nobody holds any more. */
const forgotten = new FinalizationRegistry<number>((id) => void tree("release", [id]).catch(() => {}));

const INFO: Omit<EngineInfo, "kernels"> = {
  name: "region-tree",
  kind: "region-tree",
  description:
    "A hierarchy of regions found by colour, texture and contours, without learned weights; official SAM 2.1 or UnSAMv2 weights give better masks.",
  granularity: true,
  // Nothing is learned, so the recipe's version is what binds a saved tree to its engine.
  fingerprint: `region-tree-${REGION_TREE_RECIPE}`,
  decoder: "none",
};

export interface RegionTreeOptions {
  readonly threads: number | undefined;
  readonly cacheDir: string;
}

/** The built-in engine: no weights, no ONNX Runtime; the addon where there is one, with the same answers. */
export async function openRegionTreeEngine({ threads, cacheDir }: RegionTreeOptions): Promise<Engine> {
  const native = await loadNative({ cacheDir });
  const fits = native.binding?.regionTreeRecipe === REGION_TREE_RECIPE;
  const kernels =
    native.binding && fits ? { addon: native.path, threads: threads ?? availableParallelism() } : null;
  return new TreeEngine({ ...INFO, kernels: kernels ? "native" : "typescript" }, (image, signal) =>
    grow([image, kernels, null], signal),
  );
}

/** Grows a tree on the compute thread; returns its number there. */
export function grow(
  args: Parameters<typeof import("./region-tree.worker.js")["build"]>,
  signal?: AbortSignal,
): Promise<number> {
  return tree("build", args, { signal, discard: (late) => void tree("release", [late]) });
}

/** Answers prompts by region trees, however they are grown. */
export class TreeEngine implements Engine {
  readonly info: EngineInfo;
  readonly #grow: (image: RgbImage, signal?: AbortSignal) => Promise<number>;
  readonly #close: () => Promise<void>;
  readonly #images = new Set<number>();
  #disposed = false;

  /** `growTree` returns the number of a tree on the compute thread; `close` releases what it needs. */
  constructor(
    info: EngineInfo,
    growTree: (image: RgbImage, signal?: AbortSignal) => Promise<number>,
    close: () => Promise<void> = async () => {},
  ) {
    this.info = info;
    this.#grow = growTree;
    this.#close = close;
  }

  async encode(image: RgbImage, { signal }: { signal?: AbortSignal }): Promise<EngineImage> {
    this.#alive();
    return this.#image(await this.#grow(image, signal), image);
  }

  async restore(state: ImageState, size: { width: number; height: number }): Promise<EngineImage> {
    this.#alive();
    return this.#image(await tree("restore", [state, size]), size);
  }

  #image(id: number, { width, height }: { width: number; height: number }): EngineImage {
    this.#images.add(id);
    const image = new RegionTreeImage(id, width, height, () => this.#release(id));
    forgotten.register(image, id, image);
    return image;
  }

  async #release(id: number): Promise<void> {
    if (this.#images.delete(id)) await tree("release", [id]);
  }

  async dispose(): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    await Promise.all([...this.#images].map((id) => this.#release(id)));
    await this.#close();
  }

  #alive(): void {
    if (this.#disposed) throw new UnSAMError("E_DISPOSED", "This model was disposed; load it again.");
  }
}

class RegionTreeImage implements EngineImage {
  readonly width: number;
  readonly height: number;
  readonly bytes: number;
  readonly #id: number;
  readonly #release: () => Promise<void>;

  constructor(id: number, width: number, height: number, release: () => Promise<void>) {
    this.#id = id;
    this.width = width;
    this.height = height;
    // The leaf of each pixel; the nodes are few beside that.
    this.bytes = 4 * width * height;
    this.#release = release;
  }

  async segment(prompts: readonly Prompt[], options: SegmentOptions): Promise<EngineAnswer[]> {
    const { maxHoleArea, maxSprinkleArea, signal } = options;
    for (const { mask } of prompts) checkTreeMask(mask, TREE_LOGIT_SIDE, this);
    // One object per mask, so that prompts which share a mask still do on the other thread.
    const plain = new Map<Mask, { width: number; height: number; words: Uint32Array }>();
    const wire = prompts.map((prompt) => {
      const { mask } = prompt;
      if (!(mask instanceof Mask)) return { ...prompt, mask };
      const { width, height, words } = mask;
      const known = plain.get(mask) ?? { width, height, words };
      plain.set(mask, known);
      return { ...prompt, mask: known };
    });
    const answers = await tree("segment", [this.#id, wire, { maxHoleArea, maxSprinkleArea }], { signal });
    // Settings of a dial that pick the same nodes share one mask, so that what is counted of it is counted once.
    const masks = new Map<Uint32Array, Mask>();
    const maskOf = (words: Uint32Array) => {
      const mask = masks.get(words) ?? new Mask(this.width, this.height, words);
      masks.set(words, mask);
      return mask;
    };
    const segment = (painted: (typeof answers)[number]["best"], granularity: number): EngineSegment => ({
      mask: maskOf(painted.words),
      score: painted.score,
      objectScore: logOdds(painted.score),
      stability: painted.stability,
      granularity,
      logits: painted.logits,
    });
    return answers.map(({ best, alternatives }, i) => {
      const asked = prompts[i].granularity;
      return {
        best: segment(best, typeof asked === "number" ? asked : best.granularity),
        candidates: [],
        alternatives: alternatives.map((other) => segment(other, other.granularity)),
      };
    });
  }

  collect(
    run: number,
    { points, granularity, options }: ClickBatch,
    call: { signal?: AbortSignal | undefined },
  ): Promise<CollectedBatch> {
    return scene("collectClicks", [this.#id, run, points, granularity, options], call);
  }

  collectRegions(
    run: number,
    options: WholeImageOptions,
    call: { signal?: AbortSignal | undefined },
  ): Promise<CollectedBatch> {
    return scene("collectRegions", [this.#id, run, options], call);
  }

  save(): Promise<ImageState> {
    return tree("save", [this.#id]);
  }

  async dispose(): Promise<void> {
    forgotten.unregister(this);
    await this.#release();
  }
}

/** The tree has no object score; the log-odds of its score, within ±6.9, has the same sign and sense. */
function logOdds(score: number): number {
  const share = Math.min(0.999, Math.max(0.001, score));
  return Math.log(share / (1 - share));
}
