// Makes the packages that hold one built addon each (docs/decisions/0021-prebuilt-addons.md). They are no part of the workspace:
// npm refuses to install one that is for another system.
//   platform-packages.mjs pack NAME FOLDER [ADDON]   the package NAME in FOLDER, of ADDON (default: the local build)
// Run after `npm run build`, for the table of packages is src/platforms.ts.
import { copyFileSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { PLATFORM_PACKAGES } from "../dist/platforms.js";
import { LOCAL_BUILD, problemsOfAddon } from "./check-addon.mjs";

const own = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));

/** Puts a platform package into a folder, ready for `npm pack`; throws where its addon would not run everywhere it should. */
export function makePlatformPackage(name, folder, { addon = LOCAL_BUILD, version = own.version } = {}) {
  const chosen = PLATFORM_PACKAGES.find((one) => one.name === name);
  if (!chosen) throw new Error(`There is no platform package ${name}; see src/platforms.ts.`);
  const problems = problemsOfAddon(addon, chosen);
  if (problems.length > 0) throw new Error(`${addon} is not fit for ${name}: ${problems.join("; ")}.`);
  mkdirSync(folder, { recursive: true });
  copyFileSync(addon, path.join(folder, "unsam.node"));
  copyFileSync(new URL("../../../LICENSE", import.meta.url), path.join(folder, "LICENSE"));
  writeFileSync(path.join(folder, "README.md"), readme(chosen));
  writeFileSync(path.join(folder, "package.json"), `${JSON.stringify(manifest(chosen, version), null, 2)}\n`);
}

function system({ os, cpu, libc }) {
  return `${os} ${cpu}${libc ? ` with ${libc}` : ""}`;
}

function readme(chosen) {
  const how = chosen.cuda
    ? `Add it beside \`@unsam/sdk\`: \`npm i ${chosen.name}\`.`
    : "`@unsam/native-cuda`, and with it `@unsam/sdk`, installs it by itself where it fits.";
  return `# ${chosen.name}\n\nUnSAM's native addon for ${system(chosen)}${chosen.cuda ? " and CUDA" : ""}. ${how}\n`;
}

function manifest(chosen, version) {
  const { name, os, cpu, libc } = chosen;
  const { keywords, license, author, homepage, repository, bugs, engines } = own;
  return {
    name,
    version,
    description: `UnSAM's native addon for ${system(chosen)}${chosen.cuda ? " and CUDA" : ""}.`,
    ...{ keywords, license, author, homepage, repository, bugs, engines },
    type: "commonjs",
    sideEffects: false,
    ...{ os: [os], cpu: [cpu], ...(libc ? { libc: [libc] } : {}) },
    main: "unsam.node",
    files: ["unsam.node"],
    publishConfig: { access: "public" },
  };
}

/**
 * The manifest of @unsam/native-cuda as it is published with these platform packages: each is an optional dependency, so that
 * only what fits is installed. One with CUDA is an optional peer: the user adds it, and it is found then.
 */
export function withPlatformPackages(manifest, names, version) {
  const cuda = PLATFORM_PACKAGES.filter((one) => one.cuda && names.includes(one.name)).map(
    ({ name }) => name,
  );
  const versions = (chosen) => Object.fromEntries(chosen.map((name) => [name, version]));
  const peers = {
    peerDependencies: versions(cuda),
    peerDependenciesMeta: Object.fromEntries(cuda.map((name) => [name, { optional: true }])),
  };
  return {
    ...manifest,
    optionalDependencies: versions(names.filter((name) => !cuda.includes(name))),
    ...(cuda.length > 0 ? peers : {}),
  };
}

if (process.argv[1] && import.meta.url === pathToFileURL(realpathSync(process.argv[1])).href) {
  const [command, name, folder, addon] = process.argv.slice(2);
  if (command === "pack" && folder) makePlatformPackage(name, folder, { addon });
  else {
    console.error("Usage: platform-packages.mjs pack NAME FOLDER [ADDON]");
    process.exit(2);
  }
}
