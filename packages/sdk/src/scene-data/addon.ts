import { availableParallelism } from "node:os";
import { defaultCacheDir, loadAddon } from "@unsam/core/engine";
import type { AddonAt } from "@unsam/core/operations";

/** The addon for scenes, which need no model; null: TypeScript does the same, bit for bit. */
export async function localAddon(): Promise<AddonAt | null> {
  const native = await loadAddon(defaultCacheDir());
  return native.binding ? { addon: native.path, threads: availableParallelism() } : null;
}
