import { availableParallelism } from "node:os";
import type { NativeBinding, NativeStatus } from "@unsam/native-cuda";
import type { AddonAt } from "../operations/index.js";

/**
 * What grows region trees, the addon or (`kernels` null) TypeScript, and why, one plain sentence. `fits`: whether the addon
 * makes the same trees.
 */
export function treeKernels(
  native: NativeStatus,
  fits: (binding: NativeBinding) => boolean,
  threads: number = availableParallelism(),
): { readonly kernels: AddonAt | null; readonly reason: string } {
  if (native.binding === null) return { kernels: null, reason: native.reason };
  if (fits(native.binding))
    return { kernels: { addon: native.path, threads }, reason: "The addon is there." };
  const reason = "The addon grows trees of another version; build it anew (npm run build:native).";
  return { kernels: null, reason };
}
