import path from "node:path";
import { loadNative, type NativeStatus } from "@unsam/native-cuda";
import { makePrivateFolder, problemOfPrivateFolder } from "../files/index.js";

/**
 * The native addon. That it passed its test is remembered in the cache, and believed, only where nobody else can write
 * there; elsewhere it is tested each time. null: no cache.
 */
export async function loadAddon(cacheDir: string | null): Promise<NativeStatus> {
  if (cacheDir === null) return loadNative({ cacheDir: null });
  const problem =
    (await problemOfPrivateFolder(cacheDir)) ?? (await problemOfPrivateFolder(path.join(cacheDir, "native")));
  return loadNative({ cacheDir: problem === null ? cacheDir : null, makeFolder: makePrivateFolder });
}
