// Makes what is published beside @unsam/native-cuda (docs/decisions/0006-native-loading.md). Run after `npm run build`
// and `npm run build:native`:
//   platform-packages.mjs pack NAME FOLDER   the package NAME with this machine's addon, ready for `npm publish FOLDER`
//   platform-packages.mjs depend FOLDER      names all platform packages as optional dependencies in FOLDER/package.json,
//                                            a copy of this package about to be published
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { PLATFORM_PACKAGES } from "../dist/platforms.js";

const own = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
const [command, ...rest] = process.argv.slice(2);

function write(folder, manifest) {
  writeFileSync(path.join(folder, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
}

function pack(name, folder) {
  const chosen = PLATFORM_PACKAGES.find((one) => one.name === name);
  if (!chosen) throw new Error(`There is no platform package ${name}; see src/platforms.ts.`);
  const { os, cpu, libc } = chosen;
  mkdirSync(folder, { recursive: true });
  copyFileSync(new URL("../build/Release/unsam.node", import.meta.url), path.join(folder, "unsam.node"));
  copyFileSync(new URL("../../../LICENSE", import.meta.url), path.join(folder, "LICENSE"));
  write(folder, {
    name,
    version: own.version,
    description: `UnSAM's native mask decoder for ${os} ${cpu}.`,
    license: own.license,
    engines: own.engines,
    os: [os],
    cpu: [cpu],
    ...(libc ? { libc: [libc] } : {}),
    files: ["unsam.node"],
  });
}

function depend(folder) {
  const manifest = JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8"));
  const versions = PLATFORM_PACKAGES.map(({ name }) => [name, own.version]);
  write(folder, { ...manifest, optionalDependencies: Object.fromEntries(versions) });
}

if (command === "pack" && rest.length === 2) pack(...rest);
else if (command === "depend" && rest.length === 1) depend(...rest);
else {
  console.error("Usage: platform-packages.mjs pack NAME FOLDER | depend FOLDER");
  process.exit(2);
}
