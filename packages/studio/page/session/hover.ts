import type { UnSAMClient } from "@unsam/server/client";
import { holds } from "../masks/bitmap.ts";
import { type Shown, shownOf } from "./answers.ts";
import type { OpenPhoto } from "./photo.ts";

interface Point {
  readonly x: number;
  readonly y: number;
}

/** The region that a click would take: one question at a time, always the newest; answers that came too late are dropped. */
export class Hover {
  readonly #model: UnSAMClient;
  readonly #changed: () => void;
  #shown: Shown | null = null;
  #at: Point | null = null;
  #isAsking = false;
  #stop = new AbortController();

  constructor(model: UnSAMClient, changed: () => void) {
    this.#model = model;
    this.#changed = changed;
  }

  get shown(): Shown | null {
    return this.#shown;
  }

  /** The pointer is here; `granularity`: null for models without one. */
  move(photo: OpenPhoto, at: Point, granularity: number | "auto" | null): void {
    this.#at = at;
    if (this.#shown && !holds(photo.masks.of(this.#shown).bitmap, at.x, at.y)) {
      this.#shown = null;
      this.#changed();
    }
    if (!this.#isAsking) this.#ask(photo, granularity);
  }

  /** The pointer has gone, or the photo. */
  leave(): void {
    this.#at = null;
    this.#stop.abort();
    this.#stop = new AbortController();
    if (!this.#shown) return;
    this.#shown = null;
    this.#changed();
  }

  async #ask(photo: OpenPhoto, granularity: number | "auto" | null): Promise<void> {
    const at = this.#at;
    if (!at || !photo.id) return;
    this.#isAsking = true;
    const { signal } = this.#stop;
    try {
      const point = granularity === null ? {} : { granularity };
      const request = { prompts: [{ points: [[at.x, at.y]], ...point }] };
      const { segments } = await this.#model.segment(photo.id, request, { signal });
      const shown = shownOf(segments[0], -1);
      const now = this.#at;
      if (!signal.aborted && now && holds(photo.masks.of(shown).bitmap, now.x, now.y)) {
        this.#shown = shown;
        this.#changed();
      }
    } catch {
      // The user asked nothing yet: the click itself will report what is wrong.
    } finally {
      this.#isAsking = false;
    }
    if (this.#at && (this.#at.x !== at.x || this.#at.y !== at.y)) this.#ask(photo, granularity);
  }
}
