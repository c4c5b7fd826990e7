/**
 * Interactive: somebody waits for the answer (a click, an overlay). Bulk: work that takes its time (encoding a photo,
 * a whole image, a scene).
 */
export type Priority = "interactive" | "bulk";

/** While bulk work waits, at most this many interactive entries in a row go before it: it always gets a share. */
export const INTERACTIVE_IN_A_ROW = 8;

/** Who takes entries from a line: one thread, or one turn of `Turns`. */
export interface Server {
  /** Interactive entries it took one after the other while bulk work that it could have done was waiting. */
  passed: number;
}

/**
 * The order in which waiting work is done: interactive before bulk, within each first come, first served; and where
 * interactive work never ends, one bulk entry after every eight. Pure bookkeeping: it runs nothing.
 */
export class PriorityLine<Entry extends { readonly priority: Priority }> {
  readonly #interactive: Entry[] = [];
  readonly #bulk: Entry[] = [];

  get length(): number {
    return this.#interactive.length + this.#bulk.length;
  }

  add(entry: Entry): void {
    this.#of(entry).push(entry);
  }

  /** Takes an entry out of the line; false where it does not wait (any more). */
  remove(entry: Entry): boolean {
    const entries = this.#of(entry);
    const at = entries.indexOf(entry);
    if (at >= 0) entries.splice(at, 1);
    return at >= 0;
  }

  /** The entry that is next for a server among those that `fits` allows; null where none is. */
  take(server: Server, fits: (entry: Entry) => boolean = () => true): Entry | null {
    const bulk = this.#bulk.findIndex(fits);
    const interactive = this.#interactive.findIndex(fits);
    const bulkIsDue = bulk >= 0 && server.passed >= INTERACTIVE_IN_A_ROW;
    if (interactive >= 0 && !bulkIsDue) {
      server.passed = bulk >= 0 ? server.passed + 1 : 0;
      return this.#interactive.splice(interactive, 1)[0];
    }
    if (bulk < 0) return null;
    server.passed = 0;
    return this.#bulk.splice(bulk, 1)[0];
  }

  /** Takes all entries out, in their order. */
  clear(): Entry[] {
    return [...this.#interactive.splice(0), ...this.#bulk.splice(0)];
  }

  #of({ priority }: Entry): Entry[] {
    return priority === "interactive" ? this.#interactive : this.#bulk;
  }
}
