/** A worker-side result that stays on its thread; the caller gets a `Handle` on it. */
export class Kept<Value> {
  readonly kept: Value;
  readonly gone: string;
  readonly release: (() => void | Promise<void>) | undefined;

  constructor(value: Value, gone: string, release: (() => void | Promise<void>) | undefined) {
    this.kept = value;
    this.gone = gone;
    this.release = release;
  }
}

/**
 * Keeps a value on this thread, for later calls that get its handle as an argument. `gone`: the message of `E_DISPOSED`
 * for who uses it after it was released; `release`: frees what is not plain memory.
 */
export function keep<Value>(
  value: Value,
  { gone, release }: { readonly gone: string; readonly release?: () => void | Promise<void> },
): Kept<Value> {
  return new Kept(value, gone, release);
}
