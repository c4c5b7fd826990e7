// `npm run release:addon -- FOLDER`: what the release workflow does on each platform, after `npm ci`. Builds the addon of this machine,
// tests it and puts it where `npm run release:assemble -- … --addons FOLDER` looks: FOLDER/native-linux-x64-gnu/unsam.node and so on.
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const [folder] = process.argv.slice(2);
if (!folder) {
  console.error("Usage: build-addon.mjs FOLDER");
  process.exit(2);
}

function run(command, ...args) {
  const env = { ...process.env, UNSAM_REQUIRE_NATIVE: "1" };
  execFileSync(command, args, { cwd: root, env, stdio: "inherit", shell: process.platform === "win32" });
}

const native = ["--filter=@unsam/native-cuda", "--output-logs=new-only"];
run("npx", "turbo", "run", "build", ...native);
run("npm", "run", "--silent", "build:native", "--", "--allow-warnings");
run("npm", "run", "--silent", "check:addon");
run("npx", "turbo", "run", "test", ...native);

// They need the package built.
const { LOCAL_BUILD, packageOfThisMachine } = await import(
  "../../packages/native-cuda/scripts/check-addon.mjs"
);
const target = path.resolve(folder, path.basename(packageOfThisMachine().name));
mkdirSync(target, { recursive: true });
copyFileSync(LOCAL_BUILD, path.join(target, "unsam.node"));
console.log(`release:addon: ${path.join(target, "unsam.node")}`);
