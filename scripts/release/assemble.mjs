// `npm run release:assemble -- FOLDER [--version V] [--packages FOLDER] [--addons FOLDER] [--complete]`: everything that a release
// publishes, as tarballs of one version in FOLDER (default: out/release), with release.json, their list in the order of
// publishing (docs/decisions/0021-prebuilt-addons.md).
//   --version V        instead of the version in the manifests
//   --packages FOLDER  packages already packed by `npm run pack:all`
//   --addons FOLDER    built addons, FOLDER/native-linux-x64-gnu/unsam.node and so on; default: the local build, for this machine
//   --complete         fails where a platform's addon is missing (CUDA's apart)
import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { npmPack, packAll } from "../pack-all.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const NATIVE = "@unsam/native-cuda";
const DEPENDENCIES = ["dependencies", "devDependencies", "peerDependencies", "optionalDependencies"];

/**
 * Assembles a release into `folder`, which is emptied of an earlier one. Returns what is in release.json: name, version and
 * tarball of each package, those that others need first.
 */
export async function assemble(folder, { version, packages, addons, complete = false } = {}) {
  mkdirSync(folder, { recursive: true });
  for (const old of readdirSync(folder)) {
    if (old.endsWith(".tgz") || old === "release.json") rmSync(path.join(folder, old));
  }
  const work = mkdtempSync(path.join(tmpdir(), "unsam-release-"));
  try {
    const tarballs = packages ? tarballsIn(packages) : packAll(path.join(work, "packed")).map(tarballOf);
    const unpacked = tarballs.map((tarball, i) => unpack(tarball, path.join(work, `${i}`)));
    const chosen = version ?? oneVersion(unpacked);
    const platforms = await platformPackages(path.join(work, "platforms"), chosen, addons, complete);
    await checkContract(
      unpacked.find((one) => nameOf(one) === NATIVE),
      platforms,
    );
    const { withPlatformPackages } = await nativeScripts("platform-packages");
    for (const one of unpacked) {
      one.manifest = atVersion(one.manifest, chosen, new Set(unpacked.map(nameOf)));
      if (nameOf(one) === NATIVE) {
        one.manifest = withPlatformPackages(one.manifest, platforms.map(nameOf), chosen);
      }
      writeFileSync(path.join(one.folder, "package.json"), `${JSON.stringify(one.manifest, null, 2)}\n`);
    }
    const ordered = inOrder([...platforms, ...unpacked]);
    const tarballOfName = pack(ordered, folder);
    const release = ordered
      .map(nameOf)
      .map((name) => ({ name, version: chosen, tarball: tarballOfName.get(name) }));
    writeFileSync(path.join(folder, "release.json"), `${JSON.stringify(release, null, 2)}\n`);
    return release;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

const tarballOf = ({ tarball }) => tarball;
const nameOf = ({ manifest }) => manifest.name;

/** Scripts of the native package, which need it built: after `packAll`. */
function nativeScripts(name) {
  return import(pathToFileURL(path.join(root, "packages", "native-cuda", "scripts", `${name}.mjs`)).href);
}

function tarballsIn(folder) {
  const names = readdirSync(folder).filter((name) => name.endsWith(".tgz"));
  if (names.length === 0) throw new Error(`${folder} holds no tarball; \`npm run pack:all\` makes them.`);
  return names.map((name) => path.join(folder, name));
}

function unpack(tarball, folder) {
  mkdirSync(folder, { recursive: true });
  // Relative, for a tar that takes `C:` for a host.
  execFileSync("tar", ["-xzf", path.relative(folder, tarball)], { cwd: folder });
  return read(path.join(folder, "package"));
}

function read(folder) {
  return { folder, manifest: JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8")) };
}

function oneVersion(unpacked) {
  const versions = new Set(unpacked.map(({ manifest }) => manifest.version));
  if (versions.size > 1)
    throw new Error(`The packages have different versions: ${[...versions].join(", ")}.`);
  return [...versions][0];
}

/** The manifest at a version, with the other packages of the release at that very version. */
function atVersion(manifest, version, siblings) {
  const moved = Object.fromEntries(
    DEPENDENCIES.filter((kind) => manifest[kind]).map((kind) => [
      kind,
      Object.fromEntries(
        Object.entries(manifest[kind]).map(([name, range]) => [name, siblings.has(name) ? version : range]),
      ),
    ]),
  );
  return { ...manifest, ...moved, version };
}

async function platformPackages(folder, version, addons, complete) {
  const { makePlatformPackage } = await nativeScripts("platform-packages");
  const { LOCAL_BUILD, packageOfThisMachine } = await nativeScripts("check-addon");
  const { PLATFORM_PACKAGES } = await import(
    pathToFileURL(path.join(root, "packages", "native-cuda", "dist", "platforms.js")).href
  );
  const addonOf = ({ name }) =>
    addons
      ? path.resolve(addons, path.basename(name), "unsam.node")
      : name === packageOfThisMachine()?.name && LOCAL_BUILD;
  const there = PLATFORM_PACKAGES.filter((one) => existsSync(addonOf(one) || ""));
  const missing = PLATFORM_PACKAGES.filter((one) => !one.cuda && !there.includes(one));
  if (complete && missing.length > 0) {
    throw new Error(`There is no addon for ${missing.map(({ name }) => name).join(", ")}.`);
  }
  if (there.length === 0) {
    throw new Error(
      `There is no addon in ${addons ?? LOCAL_BUILD}; for this machine \`npm run build:native\` makes one.`,
    );
  }
  return there.map((one) => {
    const target = path.join(folder, path.basename(one.name));
    makePlatformPackage(one.name, target, { addon: addonOf(one), version });
    return read(target);
  });
}

/** The addon that this machine can load has to speak the contract of the package that loads it. */
async function checkContract(native, platforms) {
  const { packageOfThisMachine } = await nativeScripts("check-addon");
  const own = platforms.find((one) => nameOf(one) === packageOfThisMachine()?.name);
  if (!own) return;
  const { CONTRACT } = await import(pathToFileURL(path.join(native.folder, "dist", "binding.js")).href);
  const script =
    "const m = { exports: {} }; process.dlopen(m, process.argv[1]); console.log(m.exports.contract)";
  const addon = path.join(own.folder, "unsam.node");
  const spoken = Number(execFileSync(process.execPath, ["-e", script, addon], { encoding: "utf8" }));
  if (spoken !== CONTRACT) {
    throw new Error(
      `The addon speaks contract ${spoken}, the packed ${NATIVE} contract ${CONTRACT}: build or pack it anew.`,
    );
  }
}

/** Each after all that it depends on, so that nothing is ever published whose dependencies are not there. */
function inOrder(packages) {
  const ordered = [];
  const waiting = new Map(packages.map((one) => [nameOf(one), one]));
  const take = (one) => {
    if (!waiting.delete(nameOf(one))) return;
    const { dependencies, optionalDependencies } = one.manifest;
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      if (waiting.has(name)) take(waiting.get(name));
    }
    ordered.push(one);
  };
  for (const one of packages) take(one);
  return ordered;
}

/** Packs into `folder`; returns the file by the package's name. */
function pack(packages, folder) {
  const packed = npmPack(folder, ["--ignore-scripts", ...packages.map((one) => one.folder)], "pipe");
  return new Map(packed.map(({ name, tarball }) => [name, path.basename(tarball)]));
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      ...{ version: { type: "string" }, packages: { type: "string" }, addons: { type: "string" } },
      complete: { type: "boolean" },
    },
  });
  const folder = positionals[0] ?? path.join(root, "out", "release");
  for (const { name, version, tarball } of await assemble(folder, values)) {
    console.log(`${name}@${version}: ${path.join(folder, tarball)}`);
  }
}
