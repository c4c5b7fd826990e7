// `prepack` of each package, run by npm in its folder: builds it from nothing, so that neither an unbuilt clone nor what an
// earlier build left behind is packed, and checks that every file which the manifest names is there.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";

const manifest = JSON.parse(readFileSync("package.json", "utf8"));
rmSync("dist", { recursive: true, force: true });
execFileSync("npm", ["run", "--silent", "build"], { stdio: "inherit", shell: process.platform === "win32" });

const named = (value) => (typeof value === "string" ? [value] : Object.values(value ?? {}).flatMap(named));
const missing = [...named(manifest.exports), ...named(manifest.bin), "README.md", "LICENSE"].filter(
  (file) => !existsSync(path.resolve(file)),
);
if (missing.length > 0) {
  console.error(`${manifest.name} cannot be packed: ${missing.join(", ")} is missing.`);
  process.exit(1);
}
