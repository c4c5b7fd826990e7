import { homedir, userInfo } from "node:os";
import path from "node:path";

/**
 * The user's home folder: `HOME` where it is a whole path, else what the system's list of users says; null: there is none, as for
 * a number without a name in a container. (`os.homedir` throws there, and takes an empty `HOME` for the folder one happens to be in.)
 */
export function homeFolder(): string | null {
  for (const find of [homedir, () => userInfo().homedir]) {
    try {
      const found = find();
      if (path.isAbsolute(found)) return found;
    } catch {}
  }
  return null;
}

/** The folder that an environment variable names; null: none, or a relative one, which would mean another in each folder. */
export function folderOfVariable(value: string | undefined): string | null {
  return value !== undefined && path.isAbsolute(value) ? value : null;
}
