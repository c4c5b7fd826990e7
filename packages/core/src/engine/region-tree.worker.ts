import type { RgbImage } from "../image/rgb-image.js";
import { Mask } from "../mask/mask.js";
import { removeSmallRegions } from "../mask/small-regions.js";
import { type AddonAt, operationsAt } from "../operations/index.js";
import type { Prompt } from "../prompt.js";
import {
  buildRegionTreeWith,
  coverageLogits,
  type LearnedCues,
  type RegionTree,
  restoreTree,
  saveTree,
  segmentTree,
  type TreeAnswer,
  treeBuffers,
  treeMask,
} from "../region-tree/index.js";
import { callersAbort } from "../runtime/callers-abort.js";
import { keep } from "../runtime/keep.js";
import { Moved, move } from "../runtime/move.js";
import type { Tensor } from "../tensor.js";
import type { ImageState } from "./engine.js";

// Worker side of the region tree. Any thread grows one; it is kept on the thread that answers clicks.

/** A prompt whose mask lost its class on the way between threads. */
export type PlainPrompt = Omit<Prompt, "mask"> & {
  readonly mask:
    | Exclude<Prompt["mask"], Mask>
    | { readonly width: number; readonly height: number; readonly words: Uint32Array };
};

/** A call that answers several prompts, or packs several masks, ends after about so long: others may come between. */
export const SLICE_MS = 40;

/** Cells of the low-resolution logits. */
const LOGIT_CELLS = 256 * 256;

/** `addon`: null where TypeScript does it. */
export async function build(
  image: RgbImage,
  addon: AddonAt | null,
  learned: LearnedCues | null = null,
): Promise<Moved<RegionTree>> {
  const { buildRegionHierarchy } = operationsAt(addon);
  return moved(await buildRegionTreeWith((working) => buildRegionHierarchy(working, learned), image));
}

export function restore(state: ImageState, size: { width: number; height: number }): Moved<RegionTree> {
  return moved(restoreTree(state.tensors, size));
}

function moved(tree: RegionTree): Moved<RegionTree> {
  return new Moved(tree, treeBuffers(tree));
}

/** Keeps a tree that was grown on another thread. */
export function adopt(tree: RegionTree) {
  return keep(tree, {
    gone: "This encoded image, or its model, was disposed; encode the photo again.",
  });
}

/** Holes and islands up to these areas are removed, in cells of the 256 × 256 logits as for a network. */
export interface Cleaning {
  readonly maxHoleArea: number;
  readonly maxSprinkleArea: number;
}

/** An answer whose mask is found under its key: granularities that pick the same nodes share one. */
export interface KeyedAnswer {
  readonly key: string;
  readonly score: number;
  readonly stability: number;
  readonly granularity: number;
}

/**
 * Answers the first of the prompts: as many as fit into a slice of time, at least one. `known`: keys of masks that the
 * caller has already.
 */
export function segment(
  tree: RegionTree,
  prompts: readonly PlainPrompt[],
  cleaning: Cleaning,
  known: readonly string[],
) {
  const until = performance.now() + SLICE_MS;
  const painted = new Map<string, Painted>();
  const finish = (answer: TreeAnswer): KeyedAnswer => {
    const { score, stability, granularity } = answer;
    // Contested leaves depend on the clicks too.
    const key = `${answer.nodes.join()}|${answer.contested.length > 0 ? JSON.stringify(answer.clicks) : ""}`;
    if (!painted.has(key) && !known.includes(key)) {
      const mask = cleaned(treeMask(tree, answer), cleaning);
      painted.set(key, { words: mask.words, logits: coverageLogits(mask) });
    }
    return { key, score, stability, granularity };
  };
  const answers: { best: KeyedAnswer; alternatives: KeyedAnswer[] }[] = [];
  let last: TreeAnswer | null = null;
  for (const [i, prompt] of prompts.entries()) {
    if (i > 0 && performance.now() > until) break;
    callersAbort.throwIfAborted();
    // A box or a mask is answered alike at every granularity: a ladder of one is one answer.
    const again =
      i > 0 && (prompt.box !== null || prompt.mask !== null) && sameButGranularity(prompt, prompts[i - 1]);
    const answer: TreeAnswer = again && last ? last : segmentTree(tree, revive(prompt));
    last = answer;
    answers.push({ best: finish(answer), alternatives: answer.alternatives.map(finish) });
  }
  const buffers = [...painted.values()].flatMap(({ words, logits }) => [words, logits.data]);
  return move({ answers, painted }, ...buffers);
}

/** The levels of one ladder hold the very same clicks, box and mask, on this side of the threads too. */
function sameButGranularity(a: PlainPrompt, b: PlainPrompt): boolean {
  return a.points === b.points && a.box === b.box && a.mask === b.mask;
}

export interface Painted {
  readonly words: Uint32Array;
  readonly logits: Tensor;
}

function cleaned(mask: Mask, { maxHoleArea, maxSprinkleArea }: Cleaning): Mask {
  const { width, height } = mask;
  const cell = (width * height) / LOGIT_CELLS;
  let { words } = mask;
  // "Less than" becomes "at most": no region has an area between a whole number and the next.
  const limit = (area: number) => Math.floor(area * cell) + 1;
  if (maxHoleArea > 0) words = removeSmallRegions(words, width, height, "holes", limit(maxHoleArea));
  if (maxSprinkleArea > 0) {
    words = removeSmallRegions(words, width, height, "islands", limit(maxSprinkleArea));
  }
  return words === mask.words ? mask : new Mask(width, height, words);
}

function revive(prompt: PlainPrompt): Prompt {
  const { mask } = prompt;
  if (mask === null || "shape" in mask) return { ...prompt, mask };
  return { ...prompt, mask: new Mask(mask.width, mask.height, mask.words) };
}

export function save(tree: RegionTree): ImageState {
  return { tensors: saveTree(tree) };
}
