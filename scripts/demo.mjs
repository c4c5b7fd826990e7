// From a fresh clone to a mask: installs, builds, and segments a click on a real photo with the built-in model.
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

import "./setup.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const run = (command, ...args) =>
  execFileSync(command, args, { cwd: root, stdio: "inherit", shell: process.platform === "win32" });

run("npx", "turbo", "run", "build", "--filter=@unsam/cli...", "--output-logs=errors-only");
mkdirSync(new URL("../out", import.meta.url), { recursive: true });
run(
  process.execPath,
  "packages/cli/dist/main.js",
  "segment",
  "docs/images/fruit-board.jpg",
  ...["--point", "323,123", "--granularity", "0.6"],
  ...["--out", "out/mask.png", "--overlay", "out/overlay.png"],
);
