interface Entry {
  readonly pair: number;
  readonly value: number;
  readonly stamp: number;
}

/**
 * Priority queue of pairs by similarity, highest first, of equals the lower number: a binary heap in which a value
 * that was replaced stays until it surfaces.
 */
export class SimilarityQueue {
  readonly #heap: Entry[] = [];
  /** Number of the one valid entry of each pair. */
  readonly #current: Int32Array;

  constructor(pairs: number) {
    this.#current = new Int32Array(pairs);
  }

  /** Sets the similarity of a pair; an earlier one is forgotten. */
  offer(pair: number, value: number): void {
    const heap = this.#heap;
    const entry = { pair, value, stamp: ++this.#current[pair] };
    let i = heap.length;
    heap.push(entry);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!before(entry, heap[parent])) break;
      heap[i] = heap[parent];
      i = parent;
    }
    heap[i] = entry;
  }

  /** Removes and returns the most similar pair that is alive; there is one. */
  take(alive: Uint8Array): Entry {
    for (;;) {
      const top = this.#pop();
      if (alive[top.pair] === 1 && top.stamp === this.#current[top.pair]) return top;
    }
  }

  #pop(): Entry {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop()!;
    if (heap.length === 0) return top;
    let i = 0;
    for (let child = 1; child < heap.length; child = 2 * i + 1) {
      if (child + 1 < heap.length && before(heap[child + 1], heap[child])) child++;
      if (!before(heap[child], last)) break;
      heap[i] = heap[child];
      i = child;
    }
    heap[i] = last;
    return top;
  }
}

function before(a: Entry, b: Entry): boolean {
  return a.value > b.value || (a.value === b.value && a.pair < b.pair);
}
