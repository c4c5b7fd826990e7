import { openAddon } from "@unsam/native-cuda";
import type { AddonAt } from "../hierarchy/index.js";
import { finishMask, wordsPerRow } from "../mask/index.js";
import { move } from "../runtime/move.js";
import { MaskCollector } from "./collector.js";
import type { Claim, CollectedBatch } from "./found-mask.js";
import type { Crop } from "./grid.js";
import type { WholeImageOptions } from "./options.js";

// The compute thread's side of a whole-image run: the collectors live here, the caller holds a number.

let lastId = 0;
const runs = new Map<number, Run>();

interface Run {
  readonly collector: MaskCollector;
  readonly addon: AddonAt | null;
}

/** Bits of masks at image size that are held at once while a batch is finished. */
const FINISHING_BYTES = 16 * 2 ** 20;

export function open(
  size: { readonly width: number; readonly height: number },
  options: WholeImageOptions,
  addon: AddonAt | null,
): number {
  runs.set(++lastId, { collector: new MaskCollector(size, options), addon });
  return lastId;
}

export function begin(id: number, level: number, crop: Crop, pointsPerSide: number): void {
  collectorOf(id).begin(level, crop, pointsPerSide);
}

export function nextClicks(id: number): [x: number, y: number][] {
  return collectorOf(id).nextClicks();
}

/** A batch of low-resolution logits, [side, side] each, that cover a crop of the size given. */
export async function addLogits(
  id: number,
  maps: readonly Float32Array[],
  side: number,
  size: { readonly width: number; readonly height: number },
  claims: readonly Claim[],
  clicks: readonly (readonly [number, number])[],
): Promise<CollectedBatch> {
  const { collector, addon } = runOf(id);
  const binding = addon && openAddon(addon.addon);
  const length = wordsPerRow(size.width) * size.height;
  const perCall = Math.max(1, Math.floor(FINISHING_BYTES / (4 * length)));
  const batches: CollectedBatch[] = [];
  for (let start = 0; start < Math.max(1, maps.length); start += perCall) {
    const part = maps.slice(start, start + perCall);
    const finished = binding && part.length > 0 ? await inAddon(part) : part.map(plainly);
    const masks = finished.map((mask, k) => ({ ...mask, ...claims[start + k] }));
    // Clicks are settled when the last of their masks is in.
    batches.push(collector.add(masks, start + perCall >= maps.length ? clicks : []));
  }
  return {
    found: batches.flatMap(({ found }) => found),
    coverage: batches[batches.length - 1].coverage,
  };

  function plainly(logits: Float32Array) {
    return finishMask(logits, side, side, size.width, size.height);
  }

  async function inAddon(data: readonly Float32Array[]) {
    const { masks, stability } = await binding!.finishMasks(
      { count: data.length, height: side, width: side, data },
      size,
      {
        threshold: 0,
        stabilityOffset: 1,
        keepWords: true,
        runLengths: false,
        threads: addon!.threads,
      },
    );
    return data.map((_, k) => ({
      words: masks.words.subarray(k * length, (k + 1) * length),
      stability: stability[k],
    }));
  }
}

export function end(id: number): void {
  collectorOf(id).end();
}

/** Hands the masks over and forgets the run. */
export function finish(id: number) {
  const result = collectorOf(id).result();
  runs.delete(id);
  return move(result, ...result.masks.map(({ mask }) => mask.data));
}

export function close(id: number): void {
  runs.delete(id);
}

/** For other modules of this thread that put masks in themselves. */
export function collectorOf(id: number): MaskCollector {
  return runOf(id).collector;
}

function runOf(id: number): Run {
  const run = runs.get(id);
  if (!run) throw new Error(`There is no whole-image run ${id}.`);
  return run;
}
