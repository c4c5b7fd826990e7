import type { DType } from "../../checkpoint.js";
import {
  AllowedGlobal,
  Inert,
  PickleDict,
  PickleTuple,
  type PickleValue,
  StorageReference,
  TensorView,
} from "./pickle-values.js";

/**
 * The meaning of `module.name` in a pickle, or undefined where the name is not on the allow-list. Weights need the
 * first three groups below; the last lets the other keys of a training checkpoint be skipped without loading Python.
 */
export function allowedGlobal(module: string, name: string): AllowedGlobal | undefined {
  return allowed.get(`${module}.${name}`);
}

const storageDTypes: Record<string, DType> = {
  DoubleStorage: "float64",
  FloatStorage: "float32",
  HalfStorage: "float16",
  BFloat16Storage: "bfloat16",
  LongStorage: "int64",
  IntStorage: "int32",
  ShortStorage: "int16",
  CharStorage: "int8",
  ByteStorage: "uint8",
  BoolStorage: "bool",
};

/** `torch.dtype` objects by name; null for those whose tensors we do not read. */
const torchDTypes: Record<string, DType | null> = {
  float64: "float64",
  double: "float64",
  float32: "float32",
  float: "float32",
  float16: "float16",
  half: "float16",
  bfloat16: "bfloat16",
  int64: "int64",
  long: "int64",
  int32: "int32",
  int: "int32",
  int16: "int16",
  short: "int16",
  int8: "int8",
  uint8: "uint8",
  bool: "bool",
  uint16: null,
  uint32: null,
  uint64: null,
  float8_e4m3fn: null,
  float8_e5m2: null,
  complex64: null,
  complex128: null,
};

/** Ordinary data beside the weights. Calling one of these gives an inert value, whatever the arguments. */
const inertNames = [
  "_codecs.encode", // bytes, in protocol 2
  "argparse.Namespace",
  "collections.Counter",
  "collections.defaultdict",
  "numpy._core.multiarray._reconstruct",
  "numpy._core.multiarray.scalar",
  "numpy._core.numeric._frombuffer",
  "numpy.core.multiarray._reconstruct",
  "numpy.core.multiarray.scalar",
  "numpy.core.numeric._frombuffer",
  "numpy.dtype",
  "numpy.ndarray",
  "torch.device",
  ...[
    "bool",
    "bytearray",
    "bytes",
    "complex",
    "dict",
    "float",
    "frozenset",
    "int",
    "list",
    "set",
    "str",
  ].flatMap((name) => [`__builtin__.${name}`, `builtins.${name}`]),
];

const notCallable = () => undefined;

const allowed = new Map<string, AllowedGlobal>(
  [
    new AllowedGlobal("collections.OrderedDict", newOrderedDict),
    new AllowedGlobal("torch.Size", ([sides]) => (sides instanceof PickleTuple ? sides : undefined)),
    new AllowedGlobal("torch._utils._rebuild_tensor_v2", rebuildTensor),
    new AllowedGlobal("torch._utils._rebuild_tensor_v3", rebuildTensorOfDType),
    new AllowedGlobal("torch._utils._rebuild_parameter", rebuildParameter),
    new AllowedGlobal("torch._utils._rebuild_parameter_with_state", rebuildParameter),
    new AllowedGlobal("torch.storage.UntypedStorage", notCallable, "bytes"),
    new AllowedGlobal("torch.UntypedStorage", notCallable, "bytes"),
    ...Object.entries(storageDTypes).map(
      ([name, dtype]) => new AllowedGlobal(`torch.${name}`, notCallable, dtype),
    ),
    ...Object.entries(torchDTypes).map(
      ([name, dtype]) => new AllowedGlobal(`torch.${name}`, notCallable, dtype),
    ),
    ...inertNames.map((name) => new AllowedGlobal(name, () => Inert.instance)),
  ].map((entry) => [entry.name, entry]),
);

/** Python 2 passed the items here; taking them would let a short pickle copy one long list many times. */
function newOrderedDict(args: readonly PickleValue[]): PickleValue | undefined {
  return args.length === 0 ? new PickleDict(true) : undefined;
}

/** `(storage, offset, size, stride, requires_grad, backward_hooks, metadata?)` */
function rebuildTensor([storage, offset, shape, strides]: readonly PickleValue[]): PickleValue | undefined {
  if (!(storage instanceof StorageReference) || offset === undefined) return undefined;
  if (!(shape instanceof PickleTuple) || !(strides instanceof PickleTuple)) return undefined;
  return new TensorView(storage, offset, shape, strides, storage.dtype === "bytes" ? "uint8" : storage.dtype);
}

/** As `rebuildTensor`, over an untyped storage and with the dtype as seventh argument. */
function rebuildTensorOfDType(args: readonly PickleValue[]): PickleValue | undefined {
  const view = rebuildTensor(args);
  const dtype = args[6];
  if (!(view instanceof TensorView) || !(dtype instanceof AllowedGlobal) || dtype.dtype === "bytes")
    return undefined;
  return new TensorView(view.storage, view.offset, view.shape, view.strides, dtype.dtype);
}

/** `(data, requires_grad, backward_hooks, state?)` */
function rebuildParameter([data]: readonly PickleValue[]): PickleValue | undefined {
  return data instanceof TensorView ? data : undefined;
}
