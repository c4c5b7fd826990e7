// What an addon for Linux needs from the system it is loaded on (docs/decisions/0021-prebuilt-addons.md):
//   check-addon.mjs [FILE [PACKAGE]]   (default: the local build, and the platform package of this machine)
// says what is too new or does not belong there, symbol by symbol, and ends with 1. Needs readelf (binutils).
import { execFileSync } from "node:child_process";
import { realpathSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { familySync } from "detect-libc";
import { PLATFORM_PACKAGES, packagesFor } from "../dist/platforms.js";

/** What `npm run build:native` makes. */
export const LOCAL_BUILD = fileURLToPath(new URL("../build/Release/unsam.node", import.meta.url));
/** The oldest glibc that Node 20 runs on. */
export const OLDEST_GLIBC = "2.28";
const MACHINES = { x64: "X86-64", arm64: "AArch64" };
const LIBRARIES = {
  glibc: /^(libm|libc|libpthread|libdl|librt)\.so\.\d$|^ld-linux-(x86-64|aarch64)\.so\.\d$/,
  musl: /^libc\.(musl-(x86_64|aarch64)\.so\.1|so)$/,
};

function newer(version, than) {
  const [major, minor] = version.split(".").map(Number);
  const [wantedMajor, wantedMinor] = than.split(".").map(Number);
  return major > wantedMajor || (major === wantedMajor && minor > wantedMinor);
}

function readelf(option, file) {
  const options = { encoding: "utf8", env: { ...process.env, LC_ALL: "C" }, maxBuffer: 2 ** 26 };
  return execFileSync("readelf", ["--wide", option, file], options);
}

/** Symbols that the system has to have: name, version (null: none) and whether it may be missing. */
function neededSymbols(file) {
  return readelf("--dyn-syms", file)
    .split("\n")
    .map((line) => /\b(GLOBAL|WEAK)\s+\w+\s+UND\s+([^\s@]+)(?:@+([^\s]+))?/.exec(line))
    .filter((match) => match !== null)
    .map(([, binding, name, version = null]) => ({ name, version, weak: binding === "WEAK" }));
}

function problemOfSymbol({ name, version, weak }, libc) {
  const glibc = /^GLIBC_(\d+\.\d+)/.exec(version ?? "")?.[1];
  if (glibc) {
    if (libc !== "glibc") return `${name} is glibc's (${version})`;
    return newer(glibc, OLDEST_GLIBC) ? `${name} needs glibc ${glibc}, newer than ${OLDEST_GLIBC}` : null;
  }
  if (version !== null) return `${name} comes from a library that is not linked in (${version})`;
  // Functions of musl have no versions.
  if (weak || libc === "musl" || /^(napi|node_api)_/.test(name)) return null;
  return `${name} is nobody's`;
}

/** What keeps an addon from being published as this platform package: one sentence each. Only Linux's are looked at. */
export function problemsOfAddon(file, { os, cpu, libc }) {
  if (os !== "linux") return [];
  const machine = /^\s*Machine:\s*(.*)$/m.exec(readelf("--file-header", file))?.[1] ?? "unknown";
  const needed = [...readelf("--dynamic", file).matchAll(/\(NEEDED\).*\[(.*)\]/g)].map(([, name]) => name);
  return [
    machine.includes(MACHINES[cpu]) ? null : `it is for ${machine}, not for ${cpu}`,
    ...needed.filter((name) => !LIBRARIES[libc].test(name)).map((name) => `it needs the library ${name}`),
    ...neededSymbols(file).map((symbol) => problemOfSymbol(symbol, libc)),
  ].filter((problem) => problem !== null);
}

/** The newest glibc that the addon asks for. */
export function neededGlibc(file) {
  const versions = neededSymbols(file)
    .map(({ version }) => /^GLIBC_(\d+\.\d+)/.exec(version ?? "")?.[1])
    .filter((version) => version !== undefined);
  return versions.reduce((newest, version) => (newer(version, newest) ? version : newest), "0.0");
}

/** The package for an addon built on this machine; `undefined`: there is none. */
export function packageOfThisMachine() {
  const platform = { os: process.platform, cpu: process.arch, libc: familySync() };
  return packagesFor(platform).find(({ cuda }) => !cuda);
}

function main([file = LOCAL_BUILD, name]) {
  const chosen = name ? PLATFORM_PACKAGES.find((one) => one.name === name) : packageOfThisMachine();
  if (!chosen)
    throw new Error(`There is no platform package ${name ?? "for this machine"}; see src/platforms.ts.`);
  const problems = problemsOfAddon(file, chosen);
  for (const problem of problems) console.error(`${file}: ${problem}.`);
  if (problems.length > 0) process.exitCode = 1;
  else if (chosen.os !== "linux") console.log(`${file}: nothing to check on ${chosen.os}.`);
  else {
    const glibc = chosen.libc === "glibc" ? `glibc ${neededGlibc(file)} or newer` : "musl";
    console.log(`${file}: fit for ${chosen.name}, runs with ${glibc}.`);
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(realpathSync(process.argv[1])).href) {
  main(process.argv.slice(2));
}
