export interface NativeWork {
  /** Threads of this call, 1 to 1024; the result does not depend on them. */
  readonly threads: number;
}
