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

export function dtypeOfTag(tag: string): DType | undefined {
  return dtypes.get(tag);
}
