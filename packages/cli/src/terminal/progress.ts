import { hideRow, rewritesRow, showRow, tell } from "./output.js";

const PATIENCE_MS = 1000;
const FRAME_MS = 100;
const FRAMES = ["|", "/", "-", "\\"];

/** A row at the bottom of the terminal that tells what is being done, and moves; nothing where there is no such row. */
export class StatusRow {
  #text: string;
  #frame = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(text: string) {
    this.#text = text;
  }

  start(): void {
    if (!rewritesRow || this.#timer) return;
    this.#draw();
    this.#timer = setInterval(() => this.#draw(), FRAME_MS);
  }

  /** Seen with the next frame. */
  set text(text: string) {
    this.#text = text;
  }

  stop(): void {
    if (!this.#timer) return;
    clearInterval(this.#timer);
    this.#timer = null;
    hideRow();
  }

  #draw(): void {
    showRow(`${FRAMES[this.#frame++ % FRAMES.length]} ${this.#text}`);
  }
}

/**
 * Runs a step and tells on standard error what it is doing once it takes more than a second. On a terminal the step may
 * change what is told.
 */
export async function withProgress<T>(
  text: string,
  step: (change: (text: string) => void) => PromiseLike<T>,
): Promise<T> {
  const row = new StatusRow(text);
  const timer = setTimeout(() => (rewritesRow ? row.start() : tell(`- ${text}`)), PATIENCE_MS);
  try {
    return await step((changed) => {
      row.text = changed;
    });
  } finally {
    clearTimeout(timer);
    row.stop();
  }
}
