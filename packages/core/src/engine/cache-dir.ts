import { homedir } from "node:os";
import path from "node:path";

/** Where built encoders are kept: `UNSAM_CACHE`, else the user's cache folder of the platform. */
export function defaultCacheDir(): string {
  const named = process.env.UNSAM_CACHE;
  if (named) return path.resolve(named);
  if (process.platform === "win32") {
    return path.join(process.env.LOCALAPPDATA ?? path.join(homedir(), "AppData", "Local"), "unsam", "cache");
  }
  if (process.platform === "darwin") return path.join(homedir(), "Library", "Caches", "unsam");
  return path.join(process.env.XDG_CACHE_HOME ?? path.join(homedir(), ".cache"), "unsam");
}
