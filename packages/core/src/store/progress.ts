/** What `onProgress` is told while a model is fetched. */
export interface PullProgress {
  /**
   * `"start"`: before the first byte of a download; `message` says what comes from where, how large it is, and its licence.
   * `"wait"`: another process downloads it. `"download"`: bytes have come. `"retry"`: an attempt failed, `message` says why,
   * and there is another. `"verify"`: a file that was there is compared with its sum. `"notice"`: `message` is worth
   * reading. `"done"`: it is there.
   */
  readonly phase: "start" | "wait" | "download" | "retry" | "verify" | "notice" | "done";
  /** What was asked for. */
  readonly model: string;
  /** Of the file, so far. */
  readonly bytes: number;
  /** Of the whole file; null: not known. */
  readonly total: number | null;
  /** Where it comes from; null: it was here. */
  readonly from: string | null;
  /** An SPDX identifier; null: none is stated. */
  readonly licence: string | null;
  /** One sentence for people, or null. */
  readonly message: string | null;
}

export type OnProgress = (progress: PullProgress) => void;

/** Bytes are told of at most so often. */
const QUIET_MS = 100;

/** Tells how far one pull is. */
export class Reporter {
  readonly #model: string;
  readonly #tell: OnProgress;
  #told = 0;
  #state: Omit<PullProgress, "phase" | "model" | "message"> = {
    bytes: 0,
    total: null,
    from: null,
    licence: null,
  };

  constructor(model: string, tell: OnProgress) {
    this.#model = model;
    this.#tell = tell;
  }

  /** What is known of the file. */
  know(facts: Partial<Omit<PullProgress, "phase" | "model" | "message">>): void {
    this.#state = { ...this.#state, ...facts };
  }

  tell(phase: PullProgress["phase"], message: string | null = null): void {
    this.#tell({ phase, model: this.#model, ...this.#state, message });
  }

  bytes(phase: "download" | "verify" | "wait", bytes: number, total: number | null): void {
    this.know({ bytes, total });
    const now = performance.now();
    if (now - this.#told < QUIET_MS && bytes !== total) return;
    this.#told = now;
    this.tell(phase);
  }
}
