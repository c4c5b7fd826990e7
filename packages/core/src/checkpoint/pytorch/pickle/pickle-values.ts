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
  | ForeignTensor
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

/**
 * An object of a class we do not know (a configuration, a path, a scheduler): nothing of the class is loaded or run. It
 * takes whatever is done to it and keeps only its items, as many such classes are dicts under another name.
 */
export class UnknownObject extends PickleDict {
  constructor(readonly className: string) {
    super(false);
  }
}

/** A kind of element that we do not read, by PyTorch's name. */
export class ForeignDType {
  constructor(readonly name: string) {}
}

/** What a storage or a tensor holds; "bytes" for an untyped storage. */
export type StorageDType = DType | ForeignDType | "bytes";

/** A persistent id: the bytes of the record `data/KEY`, taken as elements of one dtype. */
export class StorageReference {
  constructor(
    readonly key: string,
    readonly dtype: StorageDType,
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
    readonly dtype: DType,
  ) {}
}

/** A tensor that we do not read: of a foreign dtype, sparse, quantised, of a class of its own. */
export class ForeignTensor {
  constructor(
    /** What it is, in a word or two. */
    readonly dtype: string,
    /** Its sides as claimed; null where they are not told. */
    readonly shape: PickleTuple | null,
  ) {}
}

/** An object we need not know (a numpy scalar, a device, bytes): takes whatever is done to it and keeps nothing. */
export class Inert {
  static readonly instance = new Inert();
  private constructor() {}
}

/** A name in the pickle with the meaning we give it, never the Python object. */
export class AllowedGlobal {
  constructor(
    readonly name: string,
    /** What calling it with these arguments gives; undefined where it cannot be called that way. */
    readonly call: (args: readonly PickleValue[]) => PickleValue | undefined,
    /** The dtype it stands for, where it is a storage class or a `torch.dtype`. */
    readonly dtype: StorageDType | null = null,
  ) {}
}
