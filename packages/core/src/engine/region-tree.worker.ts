import { openAddon } from "@unsam/native-cuda";
import { typed } from "../decoder/native-call.js";
import { UnSAMError } from "../errors.js";
import type { RgbImage } from "../image/rgb-image.js";
import { Mask } from "../mask/mask.js";
import { removeSmallRegions } from "../mask/small-regions.js";
import type { Prompt } from "../prompt.js";
import {
  buildRegionTree,
  buildRegionTreeWith,
  coverageLogits,
  type LearnedCues,
  type RegionTree,
  regionHierarchy,
  restoreTree,
  saveTree,
  segmentTree,
  type TreeAnswer,
  treeMask,
} from "../region-tree/index.js";
import { move } from "../runtime/move.js";
import type { Tensor } from "../tensor.js";
import type { ImageState } from "./engine.js";

// The compute thread's side of the region tree: the trees live here, the caller holds a number.

/** A prompt whose mask lost its class on the way between threads. */
export type WirePrompt = Omit<Prompt, "mask"> & {
  readonly mask:
    | Exclude<Prompt["mask"], Mask>
    | { readonly width: number; readonly height: number; readonly words: Uint32Array };
};

/** Cells of the low-resolution logits. */
const LOGIT_CELLS = 256 * 256;

let lastId = 0;
const trees = new Map<number, RegionTree>();

/** The addon that grows trees, as this thread opens it. */
export interface TreeKernels {
  readonly addon: string;
  readonly threads: number;
}

/** `kernels`: null where TypeScript does it, as it always does with `learned` cues. */
export async function build(
  image: RgbImage,
  kernels: TreeKernels | null,
  learned: LearnedCues | null = null,
): Promise<number> {
  if (learned) {
    return adopt(await buildRegionTreeWith(async (working) => regionHierarchy(working, learned), image));
  }
  if (!kernels) return adopt(buildRegionTree(image));
  const { addon, threads } = kernels;
  const grow = (working: RgbImage) => typed(openAddon(addon).buildRegionHierarchy(working, { threads }));
  return adopt(await buildRegionTreeWith(grow, image));
}

export function restore(state: ImageState, size: { width: number; height: number }): number {
  return adopt(restoreTree(state.tensors, size));
}

function adopt(tree: RegionTree): number {
  trees.set(++lastId, tree);
  return lastId;
}

/** Holes and islands up to these areas are removed, in cells of the 256 × 256 logits as for a network. */
export interface Cleaning {
  readonly maxHoleArea: number;
  readonly maxSprinkleArea: number;
}

export function segment(id: number, prompts: readonly WirePrompt[], cleaning: Cleaning) {
  const tree = treeOf(id);
  const painted = new Map<string, Painted>();
  const paint = (answer: TreeAnswer): Painted => {
    // Settings of a dial that pick the same nodes share one mask, painted once. Contested leaves depend on clicks too.
    const key = `${answer.nodes.join()}|${answer.contested.length > 0 ? JSON.stringify(answer.clicks) : ""}`;
    const known = painted.get(key);
    if (known) return known;
    const mask = cleaned(treeMask(tree, answer), cleaning);
    const made = { words: mask.words, logits: coverageLogits(mask) };
    painted.set(key, made);
    return made;
  };
  const finish = (answer: TreeAnswer) => {
    const { score, stability, granularity } = answer;
    return { ...paint(answer), score, stability, granularity };
  };
  let last: TreeAnswer | null = null;
  const answers = prompts.map((prompt, i) => {
    // A box or a mask is answered alike at every granularity: a ladder of one is one answer.
    const again =
      i > 0 && (prompt.box !== null || prompt.mask !== null) && sameButGranularity(prompt, prompts[i - 1]);
    const answer: TreeAnswer = again && last ? last : segmentTree(tree, revive(prompt));
    last = answer;
    return { best: finish(answer), alternatives: answer.alternatives.map(finish) };
  });
  return move(answers, ...[...painted.values()].flatMap(({ words, logits }) => [words, logits.data]));
}

/** The rungs of one ladder hold the very same clicks, box and mask, on this side of the threads too. */
function sameButGranularity(a: WirePrompt, b: WirePrompt): boolean {
  return a.points === b.points && a.box === b.box && a.mask === b.mask;
}

interface Painted {
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

function revive(prompt: WirePrompt): Prompt {
  const { mask } = prompt;
  if (mask === null || "shape" in mask) return { ...prompt, mask };
  return { ...prompt, mask: new Mask(mask.width, mask.height, mask.words) };
}

export function save(id: number): ImageState {
  return { tensors: saveTree(treeOf(id)) };
}

export function release(id: number): void {
  trees.delete(id);
}

export function treeOf(id: number): RegionTree {
  const tree = trees.get(id);
  if (!tree)
    throw new UnSAMError(
      "E_DISPOSED",
      "This encoded image, or its model, was disposed; encode the photo again.",
    );
  return tree;
}
