import type { RegionTree } from "../tree.js";
import { ancestorAt, commonAncestor } from "./ancestors.js";
import { childrenOf } from "./best-union.js";
import { countIn } from "./count-in.js";
import { persistentNodes } from "./persistence.js";

/**
 * The smallest node that holds all positive leaves, enlarged as far as the granularity reaches without taking in a negative one.
 * Where the negative leaves sit inside even the smallest, their subtrees are cut out of it, as large as they can be
 * without a positive leaf. With "auto" the most persistent scale comes first, then at most `alternatives` others.
 * Each answer is nodes without overlap.
 */
export function chooseByClicks(
  tree: RegionTree,
  positive: readonly number[],
  negative: readonly number[],
  granularity: number | "auto",
  alternatives = 0,
): number[][] {
  const smallest = positive.reduce((node, leaf) => commonAncestor(tree, node, leaf));
  const barred = countIn(tree, negative);
  const free = (node: number) => barred[node] === 0;
  if (!free(smallest)) return [withoutNegatives(tree, smallest, positive, negative)];
  if (granularity === "auto") {
    return persistentNodes(tree, smallest, free, 1 + alternatives).map((node) => [node]);
  }
  let node = smallest;
  const limit = ancestorAt(tree, smallest, granularity);
  while (node !== limit && free(tree.parent[node])) node = tree.parent[node];
  return [[node]];
}

/** The whole image without the regions that clicks on `negative` would pick. */
export function chooseByNegatives(
  tree: RegionTree,
  negative: readonly number[],
  granularity: number | "auto",
): number[] {
  const root = tree.nodeCount - 1;
  const holes = new Set(
    [...new Set(negative)].map((leaf) =>
      granularity === "auto"
        ? persistentNodes(tree, leaf, () => true, 1)[0]
        : ancestorAt(tree, leaf, granularity),
    ),
  );
  const below = countIn(tree, [...holes]);
  // From the root down: what lies in a hole is met no further than at the hole itself.
  return split(tree, root, (node) => (holes.has(node) ? "drop" : below[node] > 0 ? "open" : "keep"));
}

function withoutNegatives(
  tree: RegionTree,
  from: number,
  positive: readonly number[],
  negative: readonly number[],
): number[] {
  const [barred, needed] = [countIn(tree, negative), countIn(tree, positive)];
  return split(tree, from, (node) => {
    if (barred[node] === 0) return "keep";
    if (needed[node] === 0) return "drop";
    // A leaf with clicks of both kinds stays; the mask divides it by the nearer click.
    return node < tree.leafCount ? "keep" : "open";
  });
}

/** Walks down from a node; keeps, drops or opens what it meets. */
export function split(
  tree: RegionTree,
  from: number,
  decide: (node: number) => "keep" | "drop" | "open",
): number[] {
  const children = childrenOf(tree);
  const kept: number[] = [];
  const open = [from];
  while (open.length > 0) {
    const node = open.pop()!;
    const verdict = decide(node);
    if (verdict === "keep") kept.push(node);
    else if (verdict === "open" && node >= tree.leafCount) {
      open.push(children[2 * (node - tree.leafCount) + 1], children[2 * (node - tree.leafCount)]);
    }
  }
  return kept;
}
