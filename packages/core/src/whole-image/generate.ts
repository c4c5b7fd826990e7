import type { AddonAt } from "../operations/index.js";
import { computeThreads, type Handle } from "../runtime/index.js";
import type { FoundMask, LevelReport } from "./found-mask.js";
import { type Crop, cropBoxes, pointGrid, pointsInLayer } from "./grid.js";
import { ADAPTIVE_SHARE, type WholeImageOptions } from "./options.js";
import { type ClickBatch, letGo, type MaskBatch, type ProposalSource, transferOf } from "./proposals.js";
import type { CollectedStep, Run } from "./whole-image.worker.js";

const collector = computeThreads().bind<typeof import("./whole-image.worker.js")>(
  new URL("./whole-image.worker.js", import.meta.url),
  "bulk",
);

export interface GenerationStep {
  /** Masks that passed the thresholds since the last step; suppression and duplicates are still to come. */
  readonly found: readonly FoundMask[];
  /** Index of the level at work. */
  readonly level: number;
  /** Clicks made so far, and at most to be made, in all. */
  readonly prompts: number;
  readonly promptsAtMost: number;
  /** Share of the current crop that is covered at this level, sampled, [0, 1]. */
  readonly coverage: number;
}

export interface GeneratedMasks {
  /**
   * Of one level with prompting "grid": exactly what the official generator returns, in its order. Of several levels:
   * one after the other, without what an earlier one has found already.
   */
  readonly masks: readonly FoundMask[];
  readonly levels: readonly LevelReport[];
}

export interface GenerationSource {
  readonly image: ProposalSource;
  /** Encodes a crop of the photo; null: its pixels are not at hand. Needed where `cropLayers` is above 0. */
  readonly crop: ((crop: Crop) => Promise<ProposalSource & { dispose(): Promise<void> }>) | null;
  /** Finishes masks where there is one; null: TypeScript does, with the same bits. */
  readonly addon: AddonAt | null;
}

/**
 * All masks of an image (Kirillov et al. 2023, appendix B; official generator of SAM 2). Yields after every batch of
 * clicks; returns all masks. To cancel: the signal, or `return()`.
 */
export async function* generateMasks(
  { image, crop: encodeCrop, addon }: GenerationSource,
  options: WholeImageOptions,
  signal?: AbortSignal,
): AsyncGenerator<GenerationStep, GeneratedMasks, undefined> {
  signal?.throwIfAborted();
  const run = await collector("open", [{ width: image.width, height: image.height }, options, addon], {
    signal,
  });
  try {
    yield* options.prompting === "regions"
      ? regionSteps(run, image, options, signal)
      : clickSteps(run, image, encodeCrop, options, signal);
    const { masks, levels } = await collector("finish", [run], { signal });
    return { masks: masks.map((mask) => inUsersGranularity(mask, image)), levels };
  } finally {
    run.release().catch(() => {});
  }
}

async function* regionSteps(
  run: Handle<Run>,
  image: ProposalSource,
  options: WholeImageOptions,
  signal: AbortSignal | undefined,
): AsyncGenerator<GenerationStep, void, undefined> {
  const [whole] = cropBoxes(image.width, image.height, 0, options.cropOverlap);
  await collector("begin", [run, 0, whole, options.pointsPerSide], { signal });
  for await (const batch of image.proposeRegions!(options, { signal })) {
    const { found, coverage } = await addRegions(run, batch, signal);
    yield {
      found: found.map((mask) => inUsersGranularity(mask, image)),
      level: 0,
      prompts: 0,
      promptsAtMost: 0,
      coverage,
    };
    signal?.throwIfAborted();
  }
  await collector("end", [run], { signal });
}

async function addRegions(run: Handle<Run>, batch: MaskBatch, signal: AbortSignal | undefined) {
  try {
    return await collector("addRegions", [run, batch], { transfer: transferOf(batch), signal });
  } finally {
    letGo(batch);
  }
}

async function* clickSteps(
  run: Handle<Run>,
  image: ProposalSource,
  encodeCrop: GenerationSource["crop"],
  options: WholeImageOptions,
  signal: AbortSignal | undefined,
): AsyncGenerator<GenerationStep, void, undefined> {
  const { levels, prompting, cropLayers, cropOverlap, pointsPerSide, cropPointsDownscale } = options;
  const crops = cropBoxes(image.width, image.height, encodeCrop ? cropLayers : 0, cropOverlap);
  const perSide = (crop: Crop) => pointsInLayer(pointsPerSide, crop.layer, cropPointsDownscale);
  const share = prompting === "adaptive" ? ADAPTIVE_SHARE : 1;
  const atMost = (crop: Crop) =>
    Math.max(levels.length, Math.floor(share * perSide(crop) ** 2 * levels.length));
  const promptsAtMost = crops.reduce((sum, crop) => sum + atMost(crop), 0);
  let prompts = 0;
  for (const crop of crops) {
    const part = crop.layer === 0 ? null : await encodeCrop!(crop);
    const target = part ?? image;
    try {
      for (let level = 0; level < levels.length; level++) {
        const first = await collector("begin", [run, level, crop, perSide(crop)], { signal });
        const batches = new ClickBatches(options, target, perSide(crop), first);
        for (let points = batches.next(); points.length > 0; points = batches.next()) {
          const clicks = { points, granularity: levels[level], options };
          const { found, coverage, next } = await collectBatch(run, target, clicks, signal);
          batches.wanted = next;
          prompts += points.length;
          yield { found, level, prompts, promptsAtMost, coverage };
          signal?.throwIfAborted();
        }
        await collector("end", [run], { signal });
      }
    } finally {
      await part?.dispose();
    }
  }
}

/** Moves what the model proposes for some clicks into the collector, part by part. */
async function collectBatch(
  run: Handle<Run>,
  target: ProposalSource,
  clicks: ClickBatch,
  signal: AbortSignal | undefined,
): Promise<CollectedStep> {
  const found: FoundMask[] = [];
  // The clicks are settled with the last part, so each part waits until the next one is here.
  let waiting: MaskBatch = { kind: "masks", masks: [] };
  const add = async (isLast: boolean) => {
    const transfer = transferOf(waiting);
    const step = await collector("add", [run, waiting, isLast ? clicks.points : null], { transfer, signal });
    found.push(...step.found);
    return step;
  };
  try {
    let isFirst = true;
    for await (const part of target.propose(clicks, { signal })) {
      if (!isFirst) await add(false);
      waiting = part;
      isFirst = false;
    }
    return { ...(await add(true)), found };
  } finally {
    letGo(waiting);
  }
}

/** A region of a hierarchy has a granularity of its own, which is the model's; all others were asked for by the user. */
function inUsersGranularity(mask: FoundMask, { toUsersGranularity }: ProposalSource): FoundMask {
  return mask.granularity === null || !toUsersGranularity
    ? mask
    : { ...mask, granularity: toUsersGranularity(mask.granularity) };
}

/** Batches of clicks for one crop at one level: the grid, or where the collector wants them next. */
class ClickBatches {
  /** What the collector wants next. */
  wanted: ClickBatch["points"];
  readonly #grid: ClickBatch["points"] | null;
  readonly #perBatch: number;
  #start = 0;

  constructor(
    { prompting, pointsPerBatch }: WholeImageOptions,
    { width, height }: ProposalSource,
    perSide: number,
    first: ClickBatch["points"],
  ) {
    this.wanted = first;
    this.#grid = prompting === "adaptive" ? null : pointGrid(perSide, width, height);
    this.#perBatch = pointsPerBatch;
  }

  next(): ClickBatch["points"] {
    if (!this.#grid) return this.wanted;
    const batch = this.#grid.slice(this.#start, this.#start + this.#perBatch);
    this.#start += this.#perBatch;
    return batch;
  }
}
