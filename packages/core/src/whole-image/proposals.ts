import type { MessagePort } from "node:worker_threads";
import type { PackedMask } from "../mask/index.js";
import type { WholeImageOptions } from "./options.js";

/** Single clicks of one granularity; each asks for the mask (or masks) around it. */
export interface ClickBatch {
  /** In pixels of the image that is clicked on. */
  readonly points: readonly (readonly [x: number, y: number])[];
  readonly granularity: number | null;
  readonly options: WholeImageOptions;
}

/** A mask with what its model claims of it. Plain data. */
export interface ProposedMask {
  /** At the size of the image that was clicked on. */
  readonly mask: PackedMask;
  readonly predictedIou: number;
  /** Stability score at logits ±1. */
  readonly stability: number;
  /** For a region of a hierarchy its own granularity, [0, 1]; null: that of the clicks. */
  readonly granularity: number | null;
  /** The click that found it, in pixels; for a region of a hierarchy a pixel of it. */
  readonly point: readonly [x: number, y: number];
}

/** Low-resolution masks, still to be finished at image size. Plain data; nobody else uses the maps' buffers. */
export interface ProposedLogits {
  /** Unclamped, [side, side] each; they cover the image that was clicked on. */
  readonly maps: readonly Float32Array[];
  readonly side: number;
  /** Of each map. */
  readonly claims: readonly Pick<ProposedMask, "predictedIou" | "point">[];
}

/** Masks as one thread sends them to another. */
export type MaskMessage =
  | { readonly kind: "masks"; readonly masks: readonly ProposedMask[] }
  | ({ readonly kind: "logits" } & ProposedLogits);

/**
 * Some of the masks that a model proposes for a batch of clicks. Those below the threshold of predicted IoU are left out. `"sent"`: by
 * another thread, in each port one message of the same kind, for the thread that collects them.
 */
export type MaskBatch = MaskMessage | { readonly kind: "sent"; readonly ports: readonly MessagePort[] };

export interface ProposalCall {
  readonly signal?: AbortSignal | undefined;
}

/** What proposes masks of a whole image: an encoded image. */
export interface ProposalSource {
  readonly width: number;
  readonly height: number;
  /** Behind a calibration: from a granularity of the model to the user's; absent: they are the same. */
  readonly toUsersGranularity?: (granularity: number) => number;
  /** The masks for a batch of clicks, in their order, in as many parts as the model likes. */
  propose(clicks: ClickBatch, call: ProposalCall): AsyncIterable<MaskBatch>;
  /** For models that are a hierarchy of regions: those worth keeping, for all levels at once. */
  proposeRegions?(options: WholeImageOptions, call: ProposalCall): AsyncIterable<MaskBatch>;
}

/** What moves with a batch to another thread. */
export function transferOf(batch: MaskBatch): (ArrayBuffer | MessagePort)[] {
  if (batch.kind === "sent") return [...batch.ports];
  const arrays = batch.kind === "logits" ? batch.maps : batch.masks.map(({ mask }) => mask.data);
  return [...new Set(arrays.map((array) => array.buffer as ArrayBuffer))];
}

/** Sends a batch to whoever has the other end of the port, which closes behind it. */
export function sendBatch(port: MessagePort, batch: MaskMessage): void {
  port.postMessage(batch, transferOf(batch));
  port.close();
}

/** Lets go what another thread has sent and nobody takes. */
export function letGo(batch: MaskBatch): void {
  if (batch.kind === "sent") for (const port of batch.ports) port.close();
}
