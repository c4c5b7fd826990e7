// Tools of one check each, in folders with a lock file of their own, so that they are in nobody's first `npm ci`.
import { execFileSync } from "node:child_process";
import { statSync } from "node:fs";
import path from "node:path";

/** Installs what the lock file of a folder names, where it is missing or older. */
export function installTools(folder) {
  const modified = (file) => statSync(path.join(folder, file), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (modified("node_modules/.package-lock.json") < modified("package-lock.json")) {
    const shell = process.platform === "win32";
    execFileSync("npm", ["ci", "--silent", "--prefer-offline"], { cwd: folder, stdio: "inherit", shell });
  }
}
