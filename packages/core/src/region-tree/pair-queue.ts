/**
 * Priority queue of graph edges whose costs change: a binary heap in which an outdated entry stays until it surfaces
 * (lazy deletion). Equal costs come out by edge number, so the order is fixed.
 */
export class PairQueue {
  private costs: Float64Array;
  private edges: Int32Array;
  private stamps: Int32Array;
  private length = 0;
  /** Stamp of the one valid entry of each edge. */
  private readonly current: Int32Array;

  constructor(edges: number) {
    const capacity = Math.max(16, 2 * edges);
    this.costs = new Float64Array(capacity);
    this.edges = new Int32Array(capacity);
    this.stamps = new Int32Array(capacity);
    this.current = new Int32Array(edges);
  }

  /** Sets the cost of an edge; an earlier one is forgotten. */
  offer(edge: number, cost: number): void {
    if (this.length === this.costs.length) this.grow();
    const stamp = ++this.current[edge];
    let i = this.length++;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!before(cost, edge, this.costs[parent], this.edges[parent])) break;
      this.move(parent, i);
      i = parent;
    }
    this.put(i, cost, edge, stamp);
  }

  /** Removes and returns the cheapest edge that is alive. Throws where none is left. */
  take(alive: Uint8Array): { edge: number; cost: number } {
    while (this.length > 0) {
      const edge = this.edges[0];
      const cost = this.costs[0];
      const valid = alive[edge] === 1 && this.stamps[0] === this.current[edge];
      this.dropTop();
      if (valid) return { edge, cost };
    }
    throw new Error("The region graph is not connected.");
  }

  private dropTop(): void {
    const last = --this.length;
    const cost = this.costs[last];
    const edge = this.edges[last];
    const stamp = this.stamps[last];
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= last) break;
      if (
        child + 1 < last &&
        before(this.costs[child + 1], this.edges[child + 1], this.costs[child], this.edges[child])
      ) {
        child++;
      }
      if (!before(this.costs[child], this.edges[child], cost, edge)) break;
      this.move(child, i);
      i = child;
    }
    this.put(i, cost, edge, stamp);
  }

  private put(i: number, cost: number, edge: number, stamp: number): void {
    this.costs[i] = cost;
    this.edges[i] = edge;
    this.stamps[i] = stamp;
  }

  private move(from: number, to: number): void {
    this.put(to, this.costs[from], this.edges[from], this.stamps[from]);
  }

  private grow(): void {
    const capacity = this.costs.length * 2;
    const costs = new Float64Array(capacity);
    const edges = new Int32Array(capacity);
    const stamps = new Int32Array(capacity);
    costs.set(this.costs);
    edges.set(this.edges);
    stamps.set(this.stamps);
    this.costs = costs;
    this.edges = edges;
    this.stamps = stamps;
  }
}

function before(costA: number, edgeA: number, costB: number, edgeB: number): boolean {
  return costA < costB || (costA === costB && edgeA < edgeB);
}
