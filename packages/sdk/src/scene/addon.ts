import { availableParallelism } from "node:os";
import { defaultCacheDir } from "@unsam/core/engine";
import type { AddonAt } from "@unsam/core/operations";
import { loadNative } from "@unsam/native-cuda";

/** The addon for scenes, which need no model; null: TypeScript does the same, bit for bit. */
export async function localAddon(): Promise<AddonAt | null> {
  const native = await loadNative({ cacheDir: defaultCacheDir() });
  return native.binding ? { addon: native.path, threads: availableParallelism() } : null;
}
