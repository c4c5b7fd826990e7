// `npm run check:packages`: packs every published package into out/packages and holds the tarballs to publint (what
// manifests say against what is there) and attw (whether types resolve as the code does), warnings included.
import { spawnSync } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { packAll } from "./pack-all.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const bin = path.join(root, "node_modules", ".bin");

/** Runs a tool; returns what it said where it found something. */
function findings(tool, ...args) {
  const { status, stdout, stderr, error } = spawnSync(path.join(bin, tool), args, {
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1", FORCE_COLOR: "0" },
    shell: process.platform === "win32",
  });
  return status === 0 ? null : `${tool}:\n${error ?? ""}${stdout}${stderr}`;
}

let failed = 0;
for (const { name, tarball, files } of packAll(path.join(root, "out", "packages"))) {
  const problems = [findings("publint", "run", tarball, "--strict")];
  // ES modules only (docs/decisions/0001-workspace.md): what CommonJS sees is asked of Node itself in test:packages.
  const typed = files.some((file) => file === "dist/index.d.ts" || file === "dist/mask/index.d.ts");
  if (typed) problems.push(findings("attw", tarball, "--profile", "esm-only", "--format", "ascii"));
  const tests = files.filter((file) => /(^|\/)(test|bench)\/|\.test\.|tsbuildinfo/.test(file));
  if (tests.length > 0) problems.push(`It holds what no user needs: ${tests.join(", ")}`);
  for (const needed of ["README.md", "LICENSE"]) {
    if (!files.includes(needed)) problems.push(`It has no ${needed}.`);
  }
  const found = problems.filter((problem) => problem !== null);
  console.log(`${name}: ${found.length === 0 ? `no findings${typed ? "" : " (no types)"}` : "FINDINGS"}`);
  if (found.length > 0) console.error(found.join("\n"));
  failed += found.length;
}
process.exitCode = failed > 0 ? 1 : 0;
