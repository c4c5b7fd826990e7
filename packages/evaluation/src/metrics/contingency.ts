import type { Mask } from "@unsam/core/mask";

/** How two label maps of one image overlap. */
export interface Contingency {
  /** Pixels that were counted. */
  readonly total: number;
  /** Pixels of each label of the first and of the second map. */
  readonly first: ReadonlyMap<number, number>;
  readonly second: ReadonlyMap<number, number>;
  /** One entry per pair of labels that share pixels. */
  readonly pairs: readonly { readonly first: number; readonly second: number; readonly common: number }[];
}

/** Counts pairs of labels over the pixels that are `counted` (null: all). The maps are [height, width] alike. */
export function contingency(
  first: ArrayLike<number>,
  second: ArrayLike<number>,
  counted: Mask | null,
): Contingency {
  const counts = new Map<number, number>();
  const sizes: [Map<number, number>, Map<number, number>] = [new Map(), new Map()];
  const width = counted?.width ?? 1;
  let total = 0;
  // Labels of the second map may be any 32-bit numbers; their places in the order of appearance are small.
  const places = new Map<number, number>();
  const placed: number[] = [];
  let latest = { label: Number.NaN, place: 0 };
  const placeOf = (label: number) => {
    if (label === latest.label) return latest.place;
    let place = places.get(label);
    if (place === undefined) {
      place = placed.push(label) - 1;
      places.set(label, place);
    }
    latest = { label, place };
    return place;
  };
  for (let i = 0; i < first.length; i++) {
    if (counted && !counted.has(i % width, Math.floor(i / width))) continue;
    total++;
    const key = first[i] * 2 ** 26 + placeOf(second[i]);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const pairs = Array.from(counts, ([key, common]) => {
    const pair = { first: Math.floor(key / 2 ** 26), second: placed[key % 2 ** 26], common };
    sizes[0].set(pair.first, (sizes[0].get(pair.first) ?? 0) + common);
    sizes[1].set(pair.second, (sizes[1].get(pair.second) ?? 0) + common);
    return pair;
  });
  return { total, first: sizes[0], second: sizes[1], pairs };
}
