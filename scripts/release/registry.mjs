// A registry in a folder, on loopback: Verdaccio, which takes our packages and fetches all others from the registry that npm
// is set to. It is installed in scripts/release/tools, apart from the workspace: nothing else needs its 300 packages.
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

const shell = process.platform === "win32";
export const tools = fileURLToPath(new URL("tools/", import.meta.url));

/** Path of a file of one of the tools. */
export function toolPath(file) {
  return path.join(tools, "node_modules", ...file.split("/"));
}

/** Starts it; everything it keeps lies in `folder`. Returns its address, settings for npm, and how to stop it. */
export async function startRegistry(folder) {
  mkdirSync(folder, { recursive: true });
  const { runServer } = createRequire(path.join(tools, "package.json"))("verdaccio");
  const url = execFileSync("npm", ["config", "get", "registry"], { encoding: "utf8", shell }).trim();
  const everybody = { access: "$all", publish: "$all" };
  const server = await runServer({
    self_path: folder,
    storage: path.join(folder, "storage"),
    web: { enable: false },
    max_body_size: "100mb",
    auth: { htpasswd: { file: path.join(folder, "htpasswd"), max_users: -1 } },
    uplinks: { outside: { url, timeout: "60s" } },
    // Ours are never asked for outside: what is tested is what was assembled.
    packages: { "@unsam/*": everybody, unsam: everybody, "**": { access: "$all", proxy: "outside" } },
    log: { type: "stdout", format: "pretty", level: "fatal" },
  });
  await new Promise((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  const userconfig = path.join(folder, "npmrc");
  // npm publishes nothing without a token; everybody may publish here.
  writeFileSync(userconfig, `//127.0.0.1:${port}/:_authToken=anybody\n`);
  const stop = () =>
    new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    });
  return { address: `http://127.0.0.1:${port}/`, userconfig, stop };
}
