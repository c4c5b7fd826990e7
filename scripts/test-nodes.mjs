// `npm run test:nodes [-- --quick-after SECONDS] [-- VERSION …]`: `npm test` on each version of Node below, or on those given.
// Their binaries come from the npm registry and are kept in node_modules/.cache. Ends with exit code 1 if the tests failed on any.
// With `--quick-after`, and where the first version took longer than that, the others run the packages alone in which threads,
// buffers and the addon are, without the slow suites in which nothing depends on Node (vitest.config.ts): so CI ends within its
// time on a slow machine, and leaves nothing out on another.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

/** The oldest that `engines` allows, and the newest of each line that is maintained. */
const VERSIONS = ["20.19.0", "22.23.3", "24.21.0"];

const root = fileURLToPath(new URL("..", import.meta.url));
const windows = process.platform === "win32";
const { values, positionals: given } = parseArgs({
  allowPositionals: true,
  options: { "quick-after": { type: "string" } },
});
const quickAfter = Number(values["quick-after"] ?? Infinity);
if (!(quickAfter >= 0)) {
  console.error(`test:nodes: --quick-after takes seconds, not ${values["quick-after"]}.`);
  process.exit(2);
}
const versions = given.length > 0 ? given : VERSIONS;
const THREADED = ["@unsam/core", "@unsam/native-cuda", "@unsam/sdk"].map((name) => `--filter=${name}`);
const ONLY_THREADED = [
  ...["exec", "--", "turbo", "run", "test", ...THREADED],
  ...["--concurrency=1", "--continue", "--output-logs=new-only"],
];
const { engines } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
if (!engines.node.startsWith(`^${VERSIONS[0]} `)) {
  console.error(`test:nodes begins with Node ${VERSIONS[0]}, but engines allows ${engines.node}.`);
  process.exit(1);
}

/** The folder of a Node of this version, fetched where it is missing. */
function binariesOf(version) {
  if (process.versions.node === version) return path.dirname(process.execPath);
  const name = `node-${windows ? "win" : process.platform}-${process.arch}`;
  const folder = path.join(root, "node_modules", ".cache", "nodes", version);
  const binaries = path.join(folder, "node_modules", name, "bin");
  if (!existsSync(path.join(binaries, windows ? "node.exe" : "node"))) {
    const flags = ["--no-save", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"];
    npm(["install", "--prefix", folder, ...flags, `${name}@${version}`], process.execPath, process.env);
  }
  return binaries;
}

/** Runs npm on a Node of our choice. */
function npm(args, node, env) {
  const own = process.env.npm_execpath;
  const command = own ? [node, [own, ...args]] : ["npm", args];
  return execFileSync(...command, { cwd: root, stdio: "inherit", env, shell: !own && windows });
}

const failed = [];
let quick = false;
for (const version of versions) {
  const binaries = binariesOf(version);
  const node = path.join(binaries, windows ? "node.exe" : "node");
  const found = spawnSync(node, ["--version"], { encoding: "utf8" }).stdout?.trim();
  if (found !== `v${version}`) throw new Error(`${node} is ${found ?? "no program"}, not v${version}.`);
  console.log(`\n== Node ${version}${quick ? ", without what does not depend on it" : ""}`);
  const started = performance.now();
  // Of npm's own variables the first two say which `node` is first in the path of its scripts. The last one lets Vitest
  // refuse to run on another.
  const env = {
    ...process.env,
    NODE: node,
    npm_node_execpath: node,
    PATH: `${binaries}${path.delimiter}${process.env.PATH}`,
    UNSAM_TEST_NODE: version,
    ...(quick ? { UNSAM_TEST_ONCE: "skip" } : {}),
  };
  try {
    npm(quick ? ONLY_THREADED : ["test"], node, env);
  } catch {
    failed.push(version);
  }
  const seconds = Math.round((performance.now() - started) / 1000);
  console.log(`   Node ${version}: ${seconds} s`);
  if (version === versions[0]) quick = seconds > quickAfter;
}
console.log(
  `\ntest:nodes: ${versions.length - failed.length} of ${versions.length} versions of Node passed.`,
);
if (failed.length > 0) {
  console.error(`test:nodes: tests failed on Node ${failed.join(", ")}.`);
  process.exit(1);
}
