import type { Tensor } from "../tensor.js";
import type { ByteSource } from "./byte-source.js";
import type { DType, TensorInfo } from "./checkpoint.js";
import { bytesPerElement, checkedElementCount, elementReaders } from "./dtype.js";
import { FormatError, quoted } from "./format-error.js";

/** Where a tensor's elements lie in its file. Parsers hand these out only after checking every number in them. */
export interface PlacedTensor extends TensorInfo {
  readonly isReadable: true;
  readonly dtype: DType;
  /** Byte offset of the first element in the file. */
  readonly byteOffset: number;
  /** Elements between neighbours along each side; non-negative. */
  readonly strides: readonly number[];
}

/** A tensor of a kind that is not read: its name and shape as the file claims them. */
export interface UnreadableTensor extends TensorInfo {
  readonly isReadable: false;
}

export type StoredTensor = PlacedTensor | UnreadableTensor;

/** What a parser makes of a file. */
export interface CheckpointDirectory {
  readonly format: "pt" | "safetensors";
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Twenty times what the largest model has; bounds the time and memory a directory takes. */
export const maximumTensors = 20_000;
/** As many as PyTorch allows. */
export const maximumRank = 64;

/** Strides of a dense array in C order. */
export function denseStrides(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= Math.max(shape[axis]!, 1);
  }
  return strides;
}

/** Bytes held in memory beside the result; small enough that converting them does not hold up the event loop. */
const windowBytes = 256 * 1024;

/** Elements gathered between two turns of the event loop: about a millisecond. */
const elementsPerTurn = 64 * 1024;

/** Reads a tensor as float32 in C order; beside the result it allocates one window (see `readStrided`). */
export async function readStoredTensor(source: ByteSource, stored: StoredTensor): Promise<Tensor> {
  if (!stored.isReadable) {
    throw new FormatError(
      `tensor ${quoted(stored.name)} is stored as ${stored.dtype}, which is not read here; convert it to float32 or float16.`,
    );
  }
  const count = checkedElementCount(stored.shape);
  if (count === null) {
    throw new FormatError(`tensor "${stored.name}" has the impossible shape [${stored.shape}].`);
  }
  const data = new Float32Array(count);
  if (count > 0) {
    const layout = significantAxes(stored);
    if (isDense(layout)) await readDense(source, stored.dtype, stored.byteOffset, data);
    else await readStrided(source, stored.dtype, stored.byteOffset, layout, data);
  }
  return { data, shape: stored.shape };
}

async function readDense(
  source: ByteSource,
  dtype: DType,
  byteOffset: number,
  data: Float32Array,
): Promise<void> {
  if (dtype === "float32") {
    // Node runs with ONNX Runtime on little-endian machines only, so the file's bytes are the result's bytes.
    await source.readInto(new Uint8Array(data.buffer), byteOffset);
    return;
  }
  const size = bytesPerElement[dtype];
  const read = elementReaders[dtype];
  const perWindow = windowBytes / size;
  const window = new Uint8Array(Math.min(perWindow, data.length) * size);
  const view = new DataView(window.buffer);
  for (let start = 0; start < data.length; start += perWindow) {
    const elements = Math.min(perWindow, data.length - start);
    await source.readInto(window.subarray(0, elements * size), byteOffset + start * size);
    for (let i = 0; i < elements; i++) data[start + i] = read(view, i * size);
  }
}

interface Axis {
  readonly side: number;
  /** Elements of the file between neighbours along this axis. */
  readonly stride: number;
  /** Elements of the dense result between neighbours along this axis. */
  readonly denseStride: number;
}

/** The axes with more than one element, in storage order: largest stride first. */
function significantAxes(stored: PlacedTensor): Axis[] {
  const dense = denseStrides(stored.shape);
  return stored.shape
    .map((side, axis) => ({ side, stride: stored.strides[axis]!, denseStride: dense[axis]! }))
    .filter(({ side }) => side > 1)
    .sort((a, b) => b.stride - a.stride);
}

function isDense(layout: readonly Axis[]): boolean {
  return layout.every(({ stride, denseStride }) => stride === denseStride);
}

/** Elements from the first to one past the last of the axes from `axis` inwards. */
function extent(layout: readonly Axis[], axis = 0): number {
  let last = 0;
  for (const { side, stride } of layout.slice(axis)) last += (side - 1) * stride;
  return last + 1;
}

/** Whether walking the axes in order visits the storage in rising order, as in every view that does not overlap itself. */
function isMonotone(layout: readonly Axis[]): boolean {
  return layout.every(({ stride }, axis) => stride >= extent(layout, axis + 1) - 1);
}

/**
 * Walks the view in storage order and keeps one window of the file in memory. A monotone view reads each byte at most
 * once; a view that overlaps itself would come back to old bytes, so it gets its whole span (no more than its storage).
 */
async function readStrided(
  source: ByteSource,
  dtype: DType,
  byteOffset: number,
  layout: readonly Axis[],
  data: Float32Array,
): Promise<void> {
  const size = bytesPerElement[dtype];
  const read = elementReaders[dtype];
  const span = extent(layout);
  const window = new Uint8Array((isMonotone(layout) ? Math.min(span, windowBytes / size) : span) * size);
  const view = new DataView(window.buffer);
  let windowStart = 0;
  let windowEnd = 0;
  let sinceYield = 0;
  const index = new Array<number>(layout.length).fill(0);
  let from = 0;
  let to = 0;
  for (let done = 0; done < data.length; done++) {
    if (from < windowStart || from >= windowEnd) {
      windowStart = from;
      windowEnd = Math.min(from + window.length / size, span);
      await source.readInto(
        window.subarray(0, (windowEnd - windowStart) * size),
        byteOffset + windowStart * size,
      );
      sinceYield = 0;
    } else if (++sinceYield === elementsPerTurn) {
      await new Promise((resolve) => setImmediate(resolve));
      sinceYield = 0;
    }
    data[to] = read(view, (from - windowStart) * size);
    for (let axis = layout.length - 1; axis >= 0; axis--) {
      const { side, stride, denseStride } = layout[axis]!;
      from += stride;
      to += denseStride;
      if (++index[axis]! < side) break;
      from -= side * stride;
      to -= side * denseStride;
      index[axis] = 0;
    }
  }
}
