/**
 * Writes pickles byte by byte, as torch.save lays them out, for tests: every function gives the bytes of one value.
 * The opcodes are those Python's `pickletools` documents.
 */
export type PickleBytes = readonly number[];

export const none: PickleBytes = [0x4e];
export const yes: PickleBytes = [0x88];
export const no: PickleBytes = [0x89];
export const emptyTuple: PickleBytes = [0x29];

/** A whole pickle of protocol 2. */
export function pickle(value: PickleBytes): Uint8Array {
  return Uint8Array.from([0x80, 2, ...value, 0x2e]);
}

export function int(value: number | bigint): PickleBytes {
  if (typeof value === "number" && value >= -(2 ** 31) && value < 2 ** 31)
    return [0x4a, ...littleEndian(value, 4)];
  return [0x8a, 10, ...littleEndian(value, 10)];
}

export function float(value: number): PickleBytes {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return [0x47, ...bytes];
}

export function str(value: string): PickleBytes {
  const bytes = Buffer.from(value);
  return [0x58, ...littleEndian(bytes.length, 4), ...bytes];
}

export function tuple(...items: PickleBytes[]): PickleBytes {
  return [0x28, ...items.flat(), 0x74];
}

export function list(...items: PickleBytes[]): PickleBytes {
  return [0x5d, 0x28, ...items.flat(), 0x65];
}

export function dict(entries: readonly (readonly [string | PickleBytes, PickleBytes])[]): PickleBytes {
  return [0x7d, ...setItems(entries)];
}

export function setItems(entries: readonly (readonly [string | PickleBytes, PickleBytes])[]): PickleBytes {
  return [
    0x28,
    ...entries.flatMap(([key, value]) => [...(typeof key === "string" ? str(key) : key), ...value]),
    0x75,
  ];
}

export function global(module: string, name: string): PickleBytes {
  return [0x63, ...Buffer.from(`${module}\n${name}\n`)];
}

export function call(callable: PickleBytes, ...args: PickleBytes[]): PickleBytes {
  return [...callable, ...tuple(...args), 0x52];
}

/** Python's `object.__new__` with attributes: NEWOBJ, BUILD. */
export function object(type: PickleBytes, attributes: PickleBytes): PickleBytes {
  return [...type, ...emptyTuple, 0x81, ...attributes, 0x62];
}

export function orderedDict(entries: readonly (readonly [string | PickleBytes, PickleBytes])[]): PickleBytes {
  return [...call(global("collections", "OrderedDict")), ...setItems(entries)];
}

/** As `module.state_dict()` is pickled: an OrderedDict with the attribute `_metadata`. */
export function stateDict(entries: readonly (readonly [string | PickleBytes, PickleBytes])[]): PickleBytes {
  const metadata = orderedDict([["", dict([["version", int(1)]])]]);
  return [...orderedDict(entries), ...dict([["_metadata", metadata]]), 0x62];
}

export interface StorageArguments {
  readonly type: string;
  readonly key: string;
  readonly elements: number | bigint;
  readonly module?: string;
}

export function storage({ type, key, elements, module = "torch" }: StorageArguments): PickleBytes {
  return [...tuple(str("storage"), global(module, type), str(key), str("cuda:0"), int(elements)), 0x51];
}

export interface TensorArguments {
  readonly storage: StorageArguments;
  readonly offset?: number | bigint;
  readonly shape: readonly (number | bigint)[];
  readonly strides: readonly (number | bigint)[];
}

export function tensor({ storage: of, offset = 0, shape, strides }: TensorArguments): PickleBytes {
  return call(
    global("torch._utils", "_rebuild_tensor_v2"),
    storage(of),
    int(offset),
    tuple(...shape.map(int)),
    tuple(...strides.map(int)),
    no,
    orderedDict([]),
  );
}

export function littleEndian(value: number | bigint, length: number): number[] {
  const unsigned = BigInt.asUintN(8 * length, BigInt(value));
  return Array.from({ length }, (_, i) => Number((unsigned >> BigInt(8 * i)) & 0xffn));
}
