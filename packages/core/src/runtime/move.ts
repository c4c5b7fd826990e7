/** A worker-side result whose buffers move to the caller's thread instead of being copied. */
export class Moved<Value> {
  readonly moved: Value;
  readonly buffers: readonly ArrayBuffer[];

  constructor(value: Value, buffers: readonly ArrayBuffer[]) {
    this.moved = value;
    this.buffers = buffers;
  }
}

/** Moves every array given (each must be the only user of its buffer). */
export function move<Value>(value: Value, ...arrays: readonly ArrayBufferView[]): Moved<Value> {
  return new Moved(value, [...new Set(arrays.map((array) => array.buffer as ArrayBuffer))]);
}
