import { tmpdir } from "node:os";
import path from "node:path";
import { folderOfVariable, homeFolder } from "../files/index.js";

/**
 * Where built encoders are kept: `UNSAM_CACHE`, else the user's cache folder of the platform, else, for a user without a home,
 * a folder of their own among the temporary ones.
 */
export function defaultCacheDir(): string {
  const named = process.env.UNSAM_CACHE;
  if (named) return path.resolve(named);
  const { LOCALAPPDATA, XDG_CACHE_HOME } = process.env;
  const home = homeFolder();
  if (process.platform === "win32") {
    const local = folderOfVariable(LOCALAPPDATA) ?? (home && path.join(home, "AppData", "Local"));
    return local ? path.join(local, "unsam", "cache") : temporary();
  }
  if (process.platform === "darwin")
    return home ? path.join(home, "Library", "Caches", "unsam") : temporary();
  const caches = folderOfVariable(XDG_CACHE_HOME) ?? (home && path.join(home, ".cache"));
  return caches ? path.join(caches, "unsam") : temporary();
}

/** Its name is known to all: what lies there is believed only where it is the user's own (`problemOfPrivateFolder`). */
function temporary(): string {
  return path.join(tmpdir(), `unsam-${process.getuid?.() ?? "cache"}`);
}
