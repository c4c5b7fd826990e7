// Installs the dependencies where they are missing or older than the lock file. Needs neither network beyond the
// npm registry nor a compiler: .npmrc keeps packages from running install scripts.
import { execFileSync } from "node:child_process";
import { statSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

function modified(file) {
  return statSync(new URL(`../${file}`, import.meta.url), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

if (modified("node_modules/.package-lock.json") < modified("package-lock.json")) {
  execFileSync("npm", ["ci"], { cwd: root, stdio: "inherit", shell: process.platform === "win32" });
}
