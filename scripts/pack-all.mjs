// `npm run pack:all -- FOLDER`: packs every package that is published, freshly built, into FOLDER (default: out/packages).
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Folders and manifests of the packages that are published. */
export function publishedPackages() {
  return readdirSync(path.join(root, "packages"))
    .map((name) => path.join(root, "packages", name))
    .map((folder) => ({
      folder,
      manifest: JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8")),
    }))
    .filter(({ manifest }) => !manifest.private);
}

/** Packs them; returns name, path of the tarball and paths of the files in it for each. */
export function packAll(folder) {
  mkdirSync(folder, { recursive: true });
  for (const old of readdirSync(folder)) if (old.endsWith(".tgz")) rmSync(path.join(folder, old));
  const names = publishedPackages().map(({ manifest }) => manifest.name);
  // The `.npmrc` keeps scripts of dependencies from running; here it is our own `prepack` that has to run.
  return npmPack(
    folder,
    ["--ignore-scripts=false", ...names.flatMap((name) => ["--workspace", name])],
    "inherit",
  );
}

/** `npm pack` into `folder`, in this repository; `errors`: where standard error goes. Returns what `packAll` does. */
export function npmPack(folder, args, errors) {
  const options = {
    cwd: root,
    encoding: "utf8",
    stdio: ["ignore", "pipe", errors],
    maxBuffer: 2 ** 26,
    shell: process.platform === "win32",
  };
  const said = execFileSync(
    "npm",
    ["pack", "--json", "--pack-destination", path.resolve(folder), ...args],
    options,
  );
  // npm 10 prints a list, npm 12 an object by name; what `prepack` says comes before it.
  return Object.values(JSON.parse(said.replace(/^[^[{]*/, ""))).map(
    ({ name, filename, files, unpackedSize }) => ({
      name,
      unpackedSize,
      tarball: path.join(path.resolve(folder), path.basename(filename)),
      files: files.map((file) => file.path),
    }),
  );
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const folder = process.argv[2] ?? path.join(root, "out", "packages");
  for (const { name, tarball, unpackedSize } of packAll(folder)) {
    console.log(`${name}: ${tarball}, ${(unpackedSize / 1e6).toFixed(1)} MB unpacked`);
  }
}
