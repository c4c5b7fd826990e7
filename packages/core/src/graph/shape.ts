/**
 * A side of a value: a known number or a symbol such as "batch". `"1|batch"` reads "one, or as many as `batch`":
 * such a side broadcasts against `batch`.
 */
export type Dim = number | string;
export type Shape = readonly Dim[];

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((side, axis) => side === b[axis]);
}

export function showShape(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

export function addDims(a: Dim, b: Dim): Dim {
  return typeof a === "number" && typeof b === "number" ? a + b : `${a}+${b}`;
}

/** Product of the sides, or null where one of them is a symbol. */
export function countOf(shape: Shape): number | null {
  let count = 1;
  for (const side of shape) {
    if (typeof side !== "number") return null;
    count *= side;
  }
  return count;
}

function broadcastDim(a: Dim, b: Dim): Dim | null {
  if (a === b || b === 1) return a;
  if (a === 1) return b;
  if (a === `1|${b}`) return b;
  if (b === `1|${a}`) return a;
  return null;
}

/** NumPy's broadcasting rule. Throws where the shapes do not fit. */
export function broadcast(a: Shape, b: Shape): Dim[] {
  const rank = Math.max(a.length, b.length);
  const result: Dim[] = [];
  for (let axis = 0; axis < rank; axis++) {
    const side = broadcastDim(a[axis - rank + a.length] ?? 1, b[axis - rank + b.length] ?? 1);
    if (side === null) throw new Error(`${showShape(a)} does not broadcast with ${showShape(b)}`);
    result.push(side);
  }
  return result;
}
