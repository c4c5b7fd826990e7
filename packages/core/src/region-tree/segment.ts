import { UnSAMError } from "../errors.js";
import type { Prompt, PromptPoint } from "../prompt.js";
import { ancestorAt, granularityOf } from "./choose/ancestors.js";
import { bestUnion } from "./choose/best-union.js";
import { chooseByBox } from "./choose/box.js";
import { chooseByClicks, chooseByNegatives } from "./choose/clicks.js";
import { maskCoverage } from "./choose/mask-coverage.js";
import { persistence } from "./choose/persistence.js";
import type { RegionTree } from "./tree.js";

/** What the tree answers to a prompt: a union of nodes. Plain data. */
export interface TreeAnswer {
  /** Nodes without overlap; empty where nothing fits. */
  readonly nodes: readonly number[];
  /** 1 for each leaf of the answer, [leafCount]. */
  readonly leaves: Uint8Array;
  /** Clicks of both kinds fell into these leaves: each of their pixels belongs to the nearer click. */
  readonly contested: readonly number[];
  readonly clicks: readonly PromptPoint[];
  /** How well the answer holds, in [0, 1]: persistence of a clicked node, IoU with a box or mask. */
  readonly score: number;
  /** IoU of the answers 0.05 of granularity below and above, in [0, 1]. */
  readonly stability: number;
  /** The granularity from which on it is the answer, [0, 1]. */
  readonly granularity: number;
  /** The other scales of a click whose granularity was left open, most persistent first. */
  readonly alternatives: readonly TreeAnswer[];
}

/** How many other scales are told of. */
const ALTERNATIVES = 7;

/** What one more node must win, as a share of the mask: enough to leave out the crumbs along its border. */
const MASK_PRICE = 0.001;

/**
 * Answers one prompt. A click picks the ancestor of its leaf that the granularity reaches; `"auto"` and `null` the
 * most persistent one. A box or mask picks the best-fitting union of nodes, which holds the positive clicks and none
 * of the negative ones; beside a mask a box is not looked at. Throws `E_BAD_PROMPT`.
 */
export function segmentTree(tree: RegionTree, prompt: Prompt): TreeAnswer {
  const granularity = prompt.granularity ?? "auto";
  if (granularity !== "auto" && !(granularity >= 0 && granularity <= 1)) {
    throw new UnSAMError(
      "E_BAD_PROMPT",
      `The granularity is ${granularity}; it must be from 0 to 1, or "auto".`,
    );
  }
  const clicks = prompt.points.filter((point) => point.label !== -1);
  const positive = leavesUnder(tree, clicks, 1);
  const negative = leavesUnder(tree, clicks, 0);
  const refused = new Set(negative);
  const contested = [...new Set(positive)].filter((leaf) => refused.has(leaf));
  const finish = (nodes: readonly number[], score: number) =>
    answerOf(tree, nodes, score, contested, contested.length > 0 ? clicks : []);

  if (prompt.mask) {
    const { inside, total } = maskCoverage(tree, prompt.mask);
    const forced = new Int8Array(tree.leafCount);
    for (const leaf of negative) forced[leaf] = -1;
    for (const leaf of positive) forced[leaf] = 1;
    const union = bestUnion(tree, { inside, total, forced, price: MASK_PRICE });
    return finish(union.nodes, union.iou);
  }
  if (prompt.box) {
    const { nodes, fit } = chooseByBox(tree, prompt.box, positive, negative);
    return finish(nodes, fit);
  }
  if (positive.length > 0) {
    const [best, ...others] = chooseByClicks(tree, positive, negative, granularity, ALTERNATIVES).map(
      (nodes) =>
        finish(
          nodes,
          meanOver(tree, nodes, (node) => persistence(tree, node)),
        ),
    );
    return { ...best, alternatives: others };
  }
  if (negative.length > 0) {
    const nodes = chooseByNegatives(tree, negative, granularity);
    return finish(
      nodes,
      meanOver(tree, nodes, (node) => persistence(tree, node)),
    );
  }
  throw new UnSAMError("E_BAD_PROMPT", "The prompt is empty; give it a point, a box or a mask.");
}

function leavesUnder(tree: RegionTree, clicks: readonly PromptPoint[], label: 0 | 1): number[] {
  return clicks
    .filter((click) => click.label === label)
    .map(({ x, y }) => {
      if (!Number.isFinite(x) || !Number.isFinite(y)) {
        throw new UnSAMError("E_BAD_PROMPT", `The point (${x}, ${y}) is no place in the image.`);
      }
      const column = Math.min(tree.width - 1, Math.max(0, Math.floor(x)));
      const row = Math.min(tree.height - 1, Math.max(0, Math.floor(y)));
      return tree.leafMap[row * tree.width + column];
    });
}

function answerOf(
  tree: RegionTree,
  nodes: readonly number[],
  score: number,
  contested: readonly number[],
  clicks: readonly PromptPoint[],
): TreeAnswer {
  const leaves = new Uint8Array(tree.leafCount);
  for (const node of nodes) leaves.fill(1, tree.firstLeaf[node], tree.lastLeaf[node] + 1);
  const granularity = Math.max(0, ...nodes.map((node) => Math.min(1, granularityOf(tree, node))));
  return {
    nodes,
    leaves,
    contested,
    clicks,
    score: Math.min(1, Math.max(0, score)),
    stability: meanOver(tree, nodes, (node) => stabilityOf(tree, node)),
    granularity,
    alternatives: [],
  };
}

/** Answers on one chain are nested, so their IoU is the ratio of their areas. */
export function stabilityOf(tree: RegionTree, node: number): number {
  const level = granularityOf(tree, node);
  const above = ancestorAt(tree, node, level + 0.05);
  return tree.areas[node] / tree.areas[above];
}

/** Mean over nodes, weighted by area; 0 over none. */
function meanOver(tree: RegionTree, nodes: readonly number[], value: (node: number) => number): number {
  let sum = 0;
  let area = 0;
  for (const node of nodes) {
    sum += tree.areas[node] * value(node);
    area += tree.areas[node];
  }
  return area > 0 ? sum / area : 0;
}
