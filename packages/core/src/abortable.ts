/** What work needs to know of an `AbortSignal`, in whichever thread it runs. */
export interface Abortable {
  readonly aborted: boolean;
  /** Throws once the caller has given up. */
  throwIfAborted(): void;
}
