import { Mask } from "@unsam/core/mask";
import {
  paintNode,
  persistence,
  type RegionTree,
  regionsWorthKeeping,
  stabilityOf,
} from "@unsam/core/region-tree";
import { type Candidate, duplicates, type Instance, LEAST_INSIDE } from "../family.js";

/** Share of the root's height that the parent of a label has at least; finer than what a scene shows. */
const LEAST_PARENT = 0.13;

/**
 * Divide by region trees of one image. The top regions of the first are the instances, the regions worth keeping below
 * each are candidates for its parts. Further trees, grown on smaller images, see wholes where the first sees contrast:
 * each of their regions is a candidate for the smallest instance that holds it by 90 %, and an instance where none does.
 */
export function instancesOfTrees([first, ...further]: readonly RegionTree[], minArea: number): Instance[] {
  const families: { top: Candidate; parts: Candidate[] }[] = [];
  const familyOf: number[] = [];
  regionsWorthKeeping(first, minArea, LEAST_PARENT).forEach(({ node, parent }, i) => {
    const candidate = candidateOf(first, node);
    // Parents come before their children.
    familyOf[i] = parent < 0 ? families.push({ top: candidate, parts: [] }) - 1 : familyOf[parent];
    if (parent >= 0) families[familyOf[i]].parts.push(candidate);
  });
  const others = further
    .flatMap((tree) =>
      regionsWorthKeeping(tree, minArea, LEAST_PARENT).map(({ node }) => candidateOf(tree, node)),
    )
    .sort((a, b) => b.mask.area - a.mask.area);
  for (const other of others) {
    if (families.some(({ top }) => duplicates(top.mask, other.mask))) continue;
    const homes = families.filter(
      ({ top }) => top.mask.intersection(other.mask) >= LEAST_INSIDE * other.mask.area,
    );
    if (homes.length === 0) families.push({ top: other, parts: [] });
    else homes.reduce((a, b) => (b.top.mask.area < a.top.mask.area ? b : a)).parts.push(other);
  }
  return families.map(({ top, parts }) => ({ ...top, parts }));
}

function candidateOf(tree: RegionTree, node: number): Candidate {
  const stride = Math.ceil(tree.width / 32);
  const words = new Uint32Array(stride * tree.height);
  paintNode(tree, node, words, stride, 0, 0);
  return {
    mask: new Mask(tree.width, tree.height, words),
    predictedIou: persistence(tree, node),
    stability: stabilityOf(tree, node),
  };
}
