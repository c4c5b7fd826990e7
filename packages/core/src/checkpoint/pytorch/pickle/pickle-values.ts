import type { DType } from "../../checkpoint.js";

/** What a pickle's opcodes can build here. Plain data only: no value has behaviour of its own. */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | PickleTuple
  | PickleList
  | PickleDict
  | StorageReference
  | TensorView
  | AllowedGlobal
  | Inert;

export class PickleTuple {
  constructor(readonly items: readonly PickleValue[]) {}
}

export class PickleList {
  readonly items: PickleValue[] = [];
}

/** A `dict` or a `collections.OrderedDict`. Keys are told apart by identity, which is enough for strings. */
export class PickleDict {
  private map: Map<PickleValue, PickleValue> | null = null; // an empty dict costs one opcode; keep it as cheap

  constructor(readonly isOrdered: boolean) {}

  set(key: PickleValue, value: PickleValue): void {
    this.map ??= new Map();
    this.map.set(key, value);
  }

  get(key: string): PickleValue | undefined {
    return this.map?.get(key);
  }

  entries(): Iterable<[PickleValue, PickleValue]> {
    return this.map ?? [];
  }
}

/** A persistent id: the bytes of the record `data/KEY`, taken as elements of one dtype. */
export class StorageReference {
  constructor(
    readonly key: string,
    /** "bytes" for an untyped storage. */
    readonly dtype: DType | "bytes",
    /** Number of elements (of bytes, for an untyped storage), as claimed. */
    readonly elementCount: PickleValue,
  ) {}
}

/** The arguments of a tensor, as claimed: nothing in them has been checked. */
export class TensorView {
  constructor(
    readonly storage: StorageReference,
    readonly offset: PickleValue,
    readonly shape: PickleTuple,
    readonly strides: PickleTuple,
    /** Null for a tensor of a dtype we do not read. */
    readonly dtype: DType | null,
  ) {}
}

/** An object we need not know (a numpy scalar, a device, bytes): takes whatever is done to it and keeps nothing. */
export class Inert {
  static readonly instance = new Inert();
  private constructor() {}
}

/** A global of the allow-list: a name with the meaning we give it, never the Python object. */
export class AllowedGlobal {
  constructor(
    readonly name: string,
    /** What calling it with these arguments gives; undefined where it cannot be called that way. */
    readonly call: (args: readonly PickleValue[]) => PickleValue | undefined,
    /** The dtype it stands for, where it is a storage class or a `torch.dtype`. */
    readonly dtype: DType | "bytes" | null = null,
  ) {}
}
