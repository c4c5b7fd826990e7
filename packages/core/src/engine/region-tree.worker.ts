import { UnSAMError } from "../errors.js";
import type { RgbImage } from "../image/rgb-image.js";
import { Mask } from "../mask/mask.js";
import type { Prompt } from "../prompt.js";
import {
  buildRegionTree,
  type RegionTree,
  restoreTree,
  saveTree,
  segmentTree,
  treeLogits,
  treeMask,
} from "../region-tree/index.js";
import { move } from "../runtime/move.js";
import type { ImageState } from "./engine.js";

// The compute thread's side of the region tree: the trees live here, the caller holds a number.

/** A prompt whose mask lost its class on the way between threads. */
export type WirePrompt = Omit<Prompt, "mask"> & {
  readonly mask:
    | Exclude<Prompt["mask"], Mask>
    | { readonly width: number; readonly height: number; readonly words: Uint32Array };
};

let lastId = 0;
const trees = new Map<number, RegionTree>();

export function build(image: RgbImage): number {
  return adopt(buildRegionTree(image));
}

export function restore(state: ImageState, size: { width: number; height: number }): number {
  return adopt(restoreTree(state.tensors, size));
}

function adopt(tree: RegionTree): number {
  trees.set(++lastId, tree);
  return lastId;
}

export function segment(id: number, prompts: readonly WirePrompt[]) {
  const tree = treeOf(id);
  const answers = prompts.map((prompt) => {
    const answer = segmentTree(tree, revive(prompt));
    const { words } = treeMask(tree, answer);
    const { data, shape } = treeLogits(tree, answer);
    const { score, stability, granularity } = answer;
    return { words, score, stability, granularity, logits: { data, shape } };
  });
  return move(answers, ...answers.flatMap(({ words, logits }) => [words, logits.data]));
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

function treeOf(id: number): RegionTree {
  const tree = trees.get(id);
  if (!tree)
    throw new UnSAMError(
      "E_DISPOSED",
      "This encoded image, or its model, was disposed; encode the photo again.",
    );
  return tree;
}
