import { type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import { wordsPerRow } from "../mask/index.js";
import { type AddonAt, operationsAt } from "../operations/index.js";
import { callersAbort } from "../runtime/callers-abort.js";
import { keep } from "../runtime/keep.js";
import { move } from "../runtime/move.js";
import { MaskCollector } from "./collector.js";
import type { CollectedBatch } from "./found-mask.js";
import type { Crop } from "./grid.js";
import type { WholeImageOptions } from "./options.js";
import type { MaskBatch, MaskMessage, ProposedLogits } from "./proposals.js";

// Worker side of a whole-image run.

type Clicks = readonly (readonly [x: number, y: number])[];

export interface Run {
  readonly collector: MaskCollector;
  readonly addon: AddonAt | null;
}

/** What a batch has brought, and where adaptive prompting wants the next clicks, in pixels of the crop. */
export interface CollectedStep extends CollectedBatch {
  /** None: this crop is done at this level. */
  readonly next: Clicks;
}

/** Bits of masks at image size that are held at once while a batch is finished. */
const FINISHING_BYTES = 16 * 2 ** 20;

export function open(
  size: { readonly width: number; readonly height: number },
  options: WholeImageOptions,
  addon: AddonAt | null,
) {
  const run: Run = { collector: new MaskCollector(size, options), addon };
  return keep(run, { gone: "This run over the whole image has ended." });
}

/** Begins with a crop at a level; returns where adaptive prompting wants the first clicks. */
export function begin({ collector }: Run, level: number, crop: Crop, pointsPerSide: number): Clicks {
  collector.begin(level, crop, pointsPerSide);
  return collector.nextClicks();
}

/**
 * Takes some of the masks that a batch of clicks has brought. `clicks`: all of the batch, with the last of its masks;
 * null before.
 */
export async function add(
  { collector, addon }: Run,
  batch: MaskBatch,
  clicks: Clicks | null,
): Promise<CollectedStep> {
  const masks = received(batch);
  const found =
    masks.kind === "masks"
      ? collector.add(masks.masks, clicks ?? [])
      : await addLogits(collector, addon, masks, clicks ?? []);
  return { ...found, next: clicks ? collector.nextClicks() : [] };
}

/** With what another thread has sent, in the order of the ports. */
function received(batch: MaskBatch): MaskMessage {
  if (batch.kind !== "sent") return batch;
  const parts = batch.ports.map(messageIn);
  const logits = parts.filter((part) => part.kind === "logits");
  if (logits.length === 0) {
    return { kind: "masks", masks: parts.flatMap((part) => (part.kind === "masks" ? part.masks : [])) };
  }
  return {
    kind: "logits",
    maps: logits.flatMap(({ maps }) => maps),
    side: logits[0].side,
    claims: logits.flatMap(({ claims }) => claims),
  };
}

function messageIn(port: MessagePort): MaskMessage {
  const { message } = receiveMessageOnPort(port)!;
  port.close();
  return message;
}

/** Finishes low-resolution masks at the size of the crop, part by part, and adds them. */
async function addLogits(
  collector: MaskCollector,
  addon: AddonAt | null,
  { maps, side, claims }: ProposedLogits,
  clicks: Clicks,
): Promise<CollectedBatch> {
  const size = collector.cropSize;
  const length = wordsPerRow(size.width) * size.height;
  const perCall = Math.max(1, Math.floor(FINISHING_BYTES / (4 * length)));
  const batches: CollectedBatch[] = [];
  for (let start = 0; start < Math.max(1, maps.length); start += perCall) {
    callersAbort.throwIfAborted();
    const part = maps.slice(start, start + perCall);
    const finished = part.length > 0 ? await finish(part) : [];
    const masks = finished.map((mask, k) => ({ ...mask, ...claims[start + k] }));
    // Clicks are settled when the last of their masks is in.
    batches.push(collector.addBits(masks, start + perCall >= maps.length ? clicks : []));
  }
  return {
    found: batches.flatMap(({ found }) => found),
    coverage: batches[batches.length - 1].coverage,
  };

  async function finish(data: readonly Float32Array[]) {
    const { masks, stability } = await operationsAt(addon).finishMasks(
      { count: data.length, height: side, width: side, data },
      size,
    );
    return data.map((_, k) => ({
      words: masks.words.subarray(k * length, (k + 1) * length),
      stability: stability[k],
    }));
  }
}

/** Takes regions of a hierarchy as they are. */
export function addRegions({ collector }: Run, batch: MaskBatch): CollectedBatch {
  const masks = received(batch);
  if (masks.kind !== "masks") throw new Error("Regions of a hierarchy come as masks.");
  return collector.addRegions(masks.masks);
}

export function end({ collector }: Run): void {
  collector.end();
}

/** Hands the masks over; the run is of no use afterwards. */
export function finish({ collector }: Run) {
  const result = collector.result();
  return move(result, ...result.masks.map(({ mask }) => mask.data));
}
