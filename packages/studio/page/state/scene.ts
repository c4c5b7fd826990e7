import type { EverythingEvent } from "@unsam/server/client";

/** A mask of the whole image, with its place among the others. */
export type SceneMask = Omit<Extract<EverythingEvent, { type: "mask" }>, "type">;

/** All masks of an image, as a forest. */
export interface Scene {
  /** By id. */
  readonly masks: readonly SceneMask[];
  /** Largest first; masks that lie in no other. */
  readonly roots: readonly number[];
  /** By id, largest first. */
  readonly children: readonly (readonly number[])[];
  /** Granularities at which the picture changes, ascending. */
  readonly levels: readonly number[];
}

export function sceneOf(masks: readonly SceneMask[], levels: readonly number[]): Scene {
  const children: number[][] = masks.map(() => []);
  const roots: number[] = [];
  for (const { id, parent } of masks) (parent === null ? roots : children[parent]).push(id);
  const byArea = (a: number, b: number) => masks[b].area - masks[a].area;
  for (const list of [roots, ...children]) list.sort(byArea);
  return { masks, roots, children, levels };
}

/** The order in which masks are painted over each other: wholes before parts, of neighbours the best score last. */
export function paintingOrder({ masks, roots, children }: Scene): number[] {
  const order: number[] = [];
  const worstFirst = (ids: readonly number[]) => [...ids].sort((a, b) => b - a);
  // A stack, since forests are deep: what is pushed last is taken first.
  const waiting = worstFirst(roots).reverse();
  for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
    order.push(masks[id].id);
    waiting.push(...worstFirst(children[id]).reverse());
  }
  return order;
}

/** Who owns the pixels of each mask at a granularity, by id. */
export function ownersAt({ masks }: Scene, granularity: number): Int32Array {
  const owners = new Int32Array(masks.length).fill(-1);
  const ownerOf = (start: number): number => {
    let id = start;
    for (;;) {
      const { parent, range } = masks[id];
      if (parent === null || range[1] === null || granularity < range[1]) return id;
      id = parent;
    }
  };
  for (let id = 0; id < masks.length; id++) owners[id] = ownerOf(id);
  return owners;
}

/** The masks that hold a mask, from the whole to it. */
export function pathTo({ masks }: Scene, id: number): number[] {
  const path: number[] = [];
  for (let at: number | null = id; at !== null; at = masks[at].parent) path.unshift(at);
  return path;
}

/** The next granularity at which the picture changes; null: there is none in this direction. */
export function stepOfScene(
  { levels }: Scene,
  granularity: number,
  direction: "finer" | "coarser",
): number | null {
  if (direction === "coarser") return levels.find((level) => level > granularity + 1e-9) ?? null;
  // A level holds from itself on; just below the present one the finer picture begins.
  const below = levels.filter((level) => level <= granularity + 1e-9);
  if (below.length === 0) return null;
  return below.length === 1 ? 0 : below[below.length - 2];
}
