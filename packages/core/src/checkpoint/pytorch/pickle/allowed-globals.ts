import type { DType } from "../../checkpoint.js";
import {
  AllowedGlobal,
  ForeignDType,
  ForeignTensor,
  Inert,
  PickleDict,
  PickleTuple,
  type PickleValue,
  type StorageDType,
  StorageReference,
  TensorView,
  UnknownObject,
} from "./pickle-values.js";

/**
 * The meaning of `module.name` in a pickle, or undefined where it has none here. Weights need the first groups below; the
 * others let the rest of a training checkpoint be passed over without loading Python. A class that is not listed means an
 * object that does nothing; a function that is not listed means nothing, and the file is refused.
 */
export function allowedGlobal(module: string, name: string): AllowedGlobal | undefined {
  const full = `${module}.${name}`;
  return allowed.get(full) ?? foreignDType(module, name) ?? unknownClass(module, name);
}

const storageDTypes: Record<string, StorageDType> = {
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
  UntypedStorage: "bytes",
  "storage.UntypedStorage": "bytes",
  ComplexFloatStorage: new ForeignDType("complex64"),
  ComplexDoubleStorage: new ForeignDType("complex128"),
  QUInt8Storage: new ForeignDType("quint8"),
  QInt8Storage: new ForeignDType("qint8"),
  QInt32Storage: new ForeignDType("qint32"),
  QUInt4x2Storage: new ForeignDType("quint4x2"),
  QUInt2x4Storage: new ForeignDType("quint2x4"),
};

/** `torch.dtype` objects by name. */
const torchDTypes: Record<string, DType> = {
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
};

/** Names of `torch.dtype` objects whose tensors we do not read. */
const foreignDTypes =
  /^(float\d+_e\w{1,12}|complex(32|64|128)|c(half|float|double)|qu?int(8|32|4x2|2x4)|bits\d+(x\d)?|uint([1-7]|16|32|64)|int[1-7])$/;

/** Ordinary data beside the weights. Calling one of these gives an inert value, whatever the arguments. */
const inertNames = [
  "_codecs.encode", // bytes, in protocol 2
  "argparse.Namespace",
  "collections.Counter",
  "collections.deque",
  "copyreg._reconstructor",
  "datetime.date",
  "datetime.datetime",
  "datetime.timedelta",
  "numpy._core.multiarray._reconstruct",
  "numpy._core.multiarray.scalar",
  "numpy._core.numeric._frombuffer",
  "numpy.core.multiarray._reconstruct",
  "numpy.core.multiarray.scalar",
  "numpy.core.numeric._frombuffer",
  "numpy.dtype",
  "numpy.ndarray",
  "torch.device",
  "torch.serialization._get_layout",
  "types.SimpleNamespace",
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
    "slice",
    "str",
    "tuple",
  ].flatMap((name) => [`__builtin__.${name}`, `builtins.${name}`]),
];

const notCallable = () => undefined;

/** Layouts and schemes of quantisation: values that tensors of kinds we do not read are made with. */
const plainValues = [
  ...["strided", "sparse_coo", "sparse_csr", "sparse_csc", "sparse_bsr", "sparse_bsc"],
  ...["per_tensor_affine", "per_channel_affine", "per_tensor_symmetric", "per_channel_symmetric"],
  "per_channel_affine_float_qparams",
];

const allowed = new Map<string, AllowedGlobal>(
  [
    new AllowedGlobal("collections.OrderedDict", newOrderedDict),
    new AllowedGlobal("collections.defaultdict", () => new UnknownObject("collections.defaultdict")),
    new AllowedGlobal("torch.Size", ([sides]) => (sides instanceof PickleTuple ? sides : undefined)),
    new AllowedGlobal("torch._utils._rebuild_tensor_v2", rebuildTensor),
    new AllowedGlobal("torch._utils._rebuild_tensor_v3", rebuildTensorOfDType),
    new AllowedGlobal("torch._utils._rebuild_parameter", rebuildParameter),
    new AllowedGlobal("torch._utils._rebuild_parameter_with_state", rebuildParameter),
    new AllowedGlobal("torch._tensor._rebuild_from_type_v2", rebuildFromType),
    new AllowedGlobal("torch._utils._rebuild_qtensor", (args) => foreign("quantised", args[2])),
    new AllowedGlobal("torch._utils._rebuild_sparse_tensor", (args) => foreign("sparse", itemOf(args[1], 2))),
    new AllowedGlobal("torch._utils._rebuild_sparse_csr_tensor", () => foreign("sparse", undefined)),
    new AllowedGlobal("torch._utils._rebuild_nested_tensor", () => foreign("nested", undefined)),
    new AllowedGlobal("torch._utils._rebuild_meta_tensor_no_storage", (args) => foreign("meta", args[1])),
    new AllowedGlobal("torch._utils._rebuild_wrapper_subclass", (args) => foreign("subclass", args[2])),
    ...Object.entries(storageDTypes).map(
      ([name, dtype]) => new AllowedGlobal(`torch.${name}`, notCallable, dtype),
    ),
    ...Object.entries(torchDTypes).map(
      ([name, dtype]) => new AllowedGlobal(`torch.${name}`, notCallable, dtype),
    ),
    ...plainValues.map((name) => new AllowedGlobal(`torch.${name}`, notCallable)),
    ...inertNames.map((name) => new AllowedGlobal(name, () => Inert.instance)),
  ].map((entry) => [entry.name, entry]),
);

/**
 * Modules of Python that run code, open files or start processes. Here nothing of them would run either; but a file that
 * asks for one is made to harm, and is not to be trusted in its other parts.
 */
const refusedModules = new Set(
  (
    "__builtin__ _io _posixsubprocess _socket _thread _winapi asyncio bdb builtins cgi code codeop commands concurrent " +
    "cProfile ctypes distutils doctest ftplib functools glob gc http idlelib imp importlib inspect io ipykernel IPython " +
    "linecache logging mailcap marshal mmap msvcrt multiprocessing nt ntpath operator os pathos pdb pickle pip pipes " +
    "pkg_resources pkgutil platform poplib popen2 posix posixpath profile pstats pty pydoc requests runpy sched " +
    "setuptools shelve shutil signal site smtplib socket socketserver sqlite3 ssl subprocess sys sysconfig tarfile " +
    "telnetlib tempfile test threading timeit trace tracemalloc types unittest urllib urllib2 venv webbrowser winreg " +
    "wsgiref xmlrpc zipapp zipfile zipimport"
  ).split(" "),
);

/** An object that does nothing, for the name of a class by Python's convention (a capital first). */
function unknownClass(module: string, name: string): AllowedGlobal | undefined {
  const isClass =
    /^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$/.test(module) &&
    /^(\w+\.)*_{0,2}[A-Z]\w*$/.test(name) &&
    !refusedModules.has(module.split(".", 1)[0]!);
  const full = `${module}.${name}`;
  return isClass ? new AllowedGlobal(full, () => new UnknownObject(full)) : undefined;
}

function foreignDType(module: string, name: string): AllowedGlobal | undefined {
  if (module !== "torch" || !foreignDTypes.test(name)) return undefined;
  return new AllowedGlobal(`torch.${name}`, notCallable, new ForeignDType(name));
}

/** Python 2 passed the items here; taking them would let a short pickle copy one long list many times. */
function newOrderedDict(args: readonly PickleValue[]): PickleValue | undefined {
  return args.length === 0 ? new PickleDict(true) : undefined;
}

/** `(storage, offset, size, stride, requires_grad, backward_hooks, metadata?)` */
function rebuildTensor([storage, offset, shape, strides]: readonly PickleValue[]): PickleValue | undefined {
  if (!(storage instanceof StorageReference)) return undefined;
  return viewOf(storage, offset, shape, strides, storage.dtype === "bytes" ? "uint8" : storage.dtype);
}

/** As `rebuildTensor`, over an untyped storage and with the dtype as seventh argument. */
function rebuildTensorOfDType(args: readonly PickleValue[]): PickleValue | undefined {
  const [storage, offset, shape, strides, , , dtype] = args;
  if (!(storage instanceof StorageReference) || !(dtype instanceof AllowedGlobal)) return undefined;
  if (dtype.dtype === null || dtype.dtype === "bytes") return undefined;
  return viewOf(storage, offset, shape, strides, dtype.dtype);
}

function viewOf(
  storage: StorageReference,
  offset: PickleValue | undefined,
  shape: PickleValue | undefined,
  strides: PickleValue | undefined,
  dtype: DType | ForeignDType,
): PickleValue | undefined {
  if (offset === undefined) return undefined;
  if (!(shape instanceof PickleTuple) || !(strides instanceof PickleTuple)) return undefined;
  // Elements of a storage we cannot measure may still be claimed to be of a dtype we could read: they are not.
  const unknown = [dtype, storage.dtype].find((one) => one instanceof ForeignDType);
  if (unknown) return new ForeignTensor(unknown.name, shape);
  return new TensorView(storage, offset, shape, strides, dtype as DType);
}

/** `(data, requires_grad, backward_hooks, state?)` */
function rebuildParameter([data]: readonly PickleValue[]): PickleValue | undefined {
  return isTensor(data) ? data : undefined;
}

/** `(function, class, arguments, state)`: a tensor with attributes, or one of a class of its own. */
function rebuildFromType([rebuild, , args]: readonly PickleValue[]): PickleValue | undefined {
  if (!(rebuild instanceof AllowedGlobal) || !(args instanceof PickleTuple)) return undefined;
  // One level: tuples nested a million deep must not become as many calls.
  const result = rebuild.call === rebuildFromType ? undefined : rebuild.call(args.items);
  return isTensor(result) ? result : foreign("subclass", undefined);
}

function isTensor(value: PickleValue | undefined): value is TensorView | ForeignTensor {
  return value instanceof TensorView || value instanceof ForeignTensor;
}

function foreign(kind: string, shape: PickleValue | undefined): ForeignTensor {
  return new ForeignTensor(kind, shape instanceof PickleTuple ? shape : null);
}

function itemOf(tuple: PickleValue | undefined, index: number): PickleValue | undefined {
  return tuple instanceof PickleTuple ? tuple.items[index] : undefined;
}
