import type { PromptPoint } from "../prompt.js";

/** Clicks of one label by columns: the rows of each, ascending, and the row of it that is nearest so far. */
interface Column {
  readonly x: number;
  readonly rows: number[];
  nearest: number;
}

/**
 * Whether the click nearest to a pixel is a positive one, row by row from the top; negative clicks win ties. Exact, in time
 * that grows with pixels and clicks but not with their product: in each row the squared distances to the columns' nearest
 * clicks are parabolas, and their lower envelope is the distance (Felzenszwalb and Huttenlocher 2012).
 */
export class NearerClicks {
  readonly #positive: Column[];
  readonly #negative: Column[];
  readonly #toPositive: Float64Array;
  readonly #toNegative: Float64Array;

  constructor(clicks: readonly PromptPoint[], width: number) {
    this.#positive = columnsOf(clicks, 1);
    this.#negative = columnsOf(clicks, 0);
    this.#toPositive = new Float64Array(width);
    this.#toNegative = new Float64Array(width);
  }

  /** For row y, which must not be above one asked for before: whether pixel x belongs to a positive click. */
  row(y: number): (x: number) => boolean {
    measure(this.#positive, y, this.#toPositive);
    measure(this.#negative, y, this.#toNegative);
    return (x) => this.#toPositive[x] < this.#toNegative[x];
  }
}

function columnsOf(clicks: readonly PromptPoint[], label: 0 | 1): Column[] {
  const columns = new Map<number, number[]>();
  for (const click of clicks) {
    if (click.label !== label) continue;
    const x = Math.floor(click.x);
    const rows = columns.get(x);
    if (rows) rows.push(Math.floor(click.y));
    else columns.set(x, [Math.floor(click.y)]);
  }
  return [...columns]
    .map(([x, rows]) => ({ x, rows: rows.sort((a, b) => a - b), nearest: 0 }))
    .sort((a, b) => a.x - b.x);
}

/** Squared distances from the pixels of row y to the nearest click, Infinity where there is none. */
function measure(columns: Column[], y: number, out: Float64Array): void {
  out.fill(Number.POSITIVE_INFINITY);
  const heights = columns.map((column) => {
    const { rows } = column;
    while (
      column.nearest + 1 < rows.length &&
      Math.abs(rows[column.nearest + 1] - y) <= Math.abs(rows[column.nearest] - y)
    )
      column.nearest++;
    return (rows[column.nearest] - y) ** 2;
  });
  // Parabolas of the envelope from left to right, and where each begins to be the lowest.
  const lowest: number[] = [];
  const begins: number[] = [];
  columns.forEach(({ x }, i) => {
    const value = heights[i] + x * x;
    let begin = Number.NEGATIVE_INFINITY;
    while (lowest.length > 0) {
      const last = lowest.length - 1;
      const other = columns[lowest[last]].x;
      begin = (value - heights[lowest[last]] - other * other) / (2 * (x - other));
      if (begin > begins[last]) break;
      lowest.pop();
      begins.pop();
      begin = Number.NEGATIVE_INFINITY;
    }
    lowest.push(i);
    begins.push(begin);
  });
  if (lowest.length === 0) return;
  let at = 0;
  for (let x = 0; x < out.length; x++) {
    while (at + 1 < lowest.length && begins[at + 1] < x) at++;
    out[x] = heights[lowest[at]] + (x - columns[lowest[at]].x) ** 2;
  }
}
