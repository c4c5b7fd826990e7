import type { EverythingProgress } from "./everything-options.js";
import type { SceneHierarchy } from "./scene-hierarchy.js";
import type { FoundMask } from "./scene-mask.js";

/** What one batch of clicks has brought. */
export interface PartialScene {
  /** New masks that passed the thresholds. Later ones may turn out better: not all of them end up in the scene. */
  readonly masks: readonly FoundMask[];
  readonly progress: EverythingProgress;
}

/**
 * A run of `image.everything()`: `await` it for the scene, or iterate over what is found on the way and await it then.
 * It begins with the first of both. Leaving the loop early cancels it, as the signal does.
 */
export class EverythingRun implements PromiseLike<SceneHierarchy>, AsyncIterable<PartialScene> {
  readonly #steps: AsyncGenerator<PartialScene, SceneHierarchy, undefined>;
  #result: Promise<SceneHierarchy> | null = null;
  #settle: { resolve(scene: SceneHierarchy): void; reject(why: unknown): void } | null = null;

  /** @internal */
  constructor(steps: AsyncGenerator<PartialScene, SceneHierarchy, undefined>) {
    this.#steps = steps;
  }

  // biome-ignore lint/suspicious/noThenProperty: being awaitable is what it is for.
  then<A = SceneHierarchy, B = never>(
    onFulfilled?: ((scene: SceneHierarchy) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    if (!this.#result) {
      const result = this.#start();
      this.#drain();
      return result.then(onFulfilled, onRejected);
    }
    return this.#result.then(onFulfilled, onRejected);
  }

  catch<B = never>(
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<SceneHierarchy | B> {
    return this.then(undefined, onRejected);
  }

  finally(onFinally?: (() => void) | null): Promise<SceneHierarchy> {
    return this.then().finally(onFinally);
  }

  /** One loop at a time; a second one goes on where the first has come to. */
  [Symbol.asyncIterator](): AsyncIterator<PartialScene, undefined> {
    if (!this.#result) this.#start();
    return {
      next: async () => {
        const step = await this.#advance();
        return step === null ? { done: true, value: undefined } : { done: false, value: step };
      },
      return: async () => {
        const why = new DOMException("The loop over everything() was left early.", "AbortError");
        this.#settle?.reject(why);
        // Ends the run where it stands and frees what it holds; it has no value to return.
        await this.#steps.return(undefined as never);
        return { done: true, value: undefined };
      },
    };
  }

  #start(): Promise<SceneHierarchy> {
    this.#result = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    // Whoever iterates gets errors there; that nobody awaits the run as well is no fault.
    this.#result.catch(() => {});
    return this.#result;
  }

  /** The next step; null at the end. */
  async #advance(): Promise<PartialScene | null> {
    try {
      const { done, value } = await this.#steps.next();
      if (!done) return value;
      if (value) this.#settle?.resolve(value);
      return null;
    } catch (why) {
      this.#settle?.reject(why);
      throw why;
    }
  }

  async #drain(): Promise<void> {
    try {
      while ((await this.#advance()) !== null);
    } catch {
      // The promise has been rejected with it.
    }
  }
}
