declare const type: unique symbol;

/** The thread that something lives on. */
export interface Home {
  /** Why it stopped; null while it lives. */
  readonly lost: Error | null;
  /** Resolves when the thread has freed it. */
  release(handle: Handle<unknown>): Promise<void>;
}

/**
 * Something that lives on a worker thread. Given as an argument of a call, the call runs on that thread and gets the
 * thing itself. It is released when nobody holds its handle any more, at the latest with `release`.
 */
export class Handle<out Value> {
  declare readonly [type]?: Value;
  readonly home: Home;
  readonly id: number;
  /** What to say to who uses it after its release. */
  readonly gone: string;
  #released = false;

  constructor(home: Home, id: number, gone: string) {
    this.home = home;
    this.id = id;
    this.gone = gone;
  }

  get released(): boolean {
    return this.#released;
  }

  /**
   * Calls made from now on reject with `E_DISPOSED`, also those that wait already; one under way ends undisturbed.
   * Resolves when the thread has freed it; nobody needs to wait for that who only wants memory back.
   */
  async release(): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    await this.home.release(this);
  }
}

/** Handles that end together, without keeping alive those that nobody else holds. */
export class HandleSet<Value> {
  readonly #handles = new Map<number, WeakRef<Handle<Value>>>();
  #last = 0;
  readonly #collected = new FinalizationRegistry<number>((key) => this.#handles.delete(key));

  add(handle: Handle<Value>): void {
    const key = ++this.#last;
    this.#handles.set(key, new WeakRef(handle));
    this.#collected.register(handle, key);
  }

  async releaseAll(): Promise<void> {
    const all = [...this.#handles.values()];
    this.#handles.clear();
    await Promise.all(all.map((handle) => handle.deref()?.release()));
  }
}
