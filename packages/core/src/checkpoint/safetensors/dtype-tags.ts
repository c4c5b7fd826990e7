import type { DType } from "../checkpoint.js";

/** How safetensors writes each dtype. */
export const tagOfDtype: Readonly<Record<DType, string>> = {
  float64: "F64",
  float32: "F32",
  float16: "F16",
  bfloat16: "BF16",
  int64: "I64",
  int32: "I32",
  int16: "I16",
  int8: "I8",
  uint8: "U8",
  bool: "BOOL",
};

const dtypes = new Map(Object.entries(tagOfDtype).map(([dtype, tag]) => [tag, dtype as DType]));

/** Kinds of element that the format knows and we do not read: PyTorch's name, and bits of one element. */
const foreign = new Map<string, { readonly name: string; readonly bits: number }>([
  ["U16", { name: "uint16", bits: 16 }],
  ["U32", { name: "uint32", bits: 32 }],
  ["U64", { name: "uint64", bits: 64 }],
  ["C64", { name: "complex64", bits: 64 }],
  ["F8_E4M3", { name: "float8_e4m3fn", bits: 8 }],
  ["F8_E5M2", { name: "float8_e5m2", bits: 8 }],
  ["F8_E8M0", { name: "float8_e8m0fnu", bits: 8 }],
  ["F6_E2M3", { name: "float6_e2m3", bits: 6 }],
  ["F6_E3M2", { name: "float6_e3m2", bits: 6 }],
  ["F4", { name: "float4_e2m1fn_x2", bits: 4 }],
]);

export function dtypeOfTag(tag: string): DType | undefined {
  return dtypes.get(tag);
}

export function foreignDtypeOfTag(tag: string): { readonly name: string; readonly bits: number } | undefined {
  return foreign.get(tag);
}
