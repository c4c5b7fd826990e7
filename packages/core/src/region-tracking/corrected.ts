import { Mask } from "../mask/mask.js";
import type { PromptPoint } from "../prompt.js";
import { treeMask } from "../region-tree/answer-mask.js";
import { segmentTree } from "../region-tree/segment.js";
import type { RegionTree } from "../region-tree/tree.js";

/** A background click takes away at most this share of the mask, so that it corrects and does not end it. */
const MOST_TAKEN = 0.5;
/** How often a smaller region is tried. */
const TRIES = 5;

/**
 * A mask with clicks that correct it: a foreground click outside adds the region that the granularity gives there, a background
 * click inside takes one away. Clicks on what they say already change nothing.
 */
export function corrected(
  tree: RegionTree,
  mask: Mask,
  clicks: readonly PromptPoint[],
  granularity: number | null,
): Mask {
  const words = mask.words.slice();
  const wanted = clicks.filter(({ label }) => label === 1);
  const unwanted = clicks.filter(({ label }) => label === 0);
  for (const click of wanted) {
    if (covers(mask, click)) continue;
    const region = regionAt(tree, click, unwanted, granularity);
    for (let i = 0; i < words.length; i++) words[i] |= region.words[i];
  }
  for (const click of unwanted) {
    if (!covers(new Mask(mask.width, mask.height, words), click)) continue;
    let size = granularity ?? 1;
    let region = regionAt(tree, click, wanted, size);
    for (let i = 1; i < TRIES && commonArea(region, mask) > MOST_TAKEN * mask.area; i++) {
      size /= 2;
      region = regionAt(tree, click, wanted, i === TRIES - 1 ? 0 : size);
    }
    for (let i = 0; i < words.length; i++) words[i] &= ~region.words[i];
  }
  return new Mask(mask.width, mask.height, words);
}

/** What a click gives, without the places of the opposite clicks. */
function regionAt(
  tree: RegionTree,
  click: PromptPoint,
  against: readonly PromptPoint[],
  granularity: number | null,
): Mask {
  const points = [
    { ...click, label: 1 as const },
    ...against.map((point) => ({ ...point, label: 0 as const })),
  ];
  return treeMask(tree, segmentTree(tree, { points, box: null, mask: null, granularity }));
}

function covers({ width, height, words, stride }: Mask, { x, y }: PromptPoint): boolean {
  const column = Math.min(width - 1, Math.max(0, Math.floor(x)));
  const row = Math.min(height - 1, Math.max(0, Math.floor(y)));
  return ((words[row * stride + (column >> 5)] >>> (column & 31)) & 1) === 1;
}

function commonArea(one: Mask, other: Mask): number {
  return new Mask(
    one.width,
    one.height,
    one.words.map((word, i) => word & other.words[i]),
  ).area;
}
