// `npm run release:publish -- FOLDER [--registry URL] [--tag TAG] [--provenance]`: publishes what `npm run release:assemble` put
// into FOLDER, in its order. What the registry has already is left alone, so that a release that was cut off can go on.
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs, promisify } from "node:util";

function npm(args, env) {
  const shell = process.platform === "win32";
  return promisify(execFile)("npm", args, { env, shell, maxBuffer: 2 ** 26 });
}

async function isPublished({ name, version }, registry) {
  const answer = await fetch(new URL(name.replace("/", "%2f"), registry));
  if (answer.status === 404) return false;
  if (!answer.ok) throw new Error(`${registry} answers ${answer.status} when asked for ${name}.`);
  return version in (await answer.json()).versions;
}

/** Publishes a release; `say` is told of each package. */
export async function publish(folder, { registry, tag, provenance, env = process.env }, say) {
  const release = JSON.parse(readFileSync(path.join(folder, "release.json"), "utf8"));
  const address = registry ?? (await npm(["config", "get", "registry"], env)).stdout.trim();
  const there = await Promise.all(release.map((one) => isPublished(one, address)));
  for (const [i, one] of release.entries()) {
    if (there[i]) {
      say(`${one.name}@${one.version} is there already`);
      continue;
    }
    const flags = ["--access", "public", "--registry", address, ...(tag ? ["--tag", tag] : [])];
    await npm(
      ["publish", path.resolve(folder, one.tarball), ...flags, ...(provenance ? ["--provenance"] : [])],
      env,
    );
    say(`${one.name}@${one.version} published`);
  }
  return release;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      ...{ registry: { type: "string" }, tag: { type: "string" } },
      provenance: { type: "boolean" },
    },
  });
  if (positionals.length !== 1) {
    console.error("Usage: publish.mjs FOLDER [--registry URL] [--tag TAG] [--provenance]");
    process.exit(2);
  }
  await publish(positionals[0], values, console.log);
}
