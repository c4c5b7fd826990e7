// `npm run build:native [-- --cuda --allow-warnings]`: compiles the addon into packages/native-cuda/build/Release/unsam.node. Needs CMake 3.20 and a
// C++20 compiler; everything else comes from npm. Nothing of UnSAM fails without it: masks are then decoded by ONNX
// Runtime. --cuda adds the CUDA backend, for which the CUDA toolkit is needed, but no device. --allow-warnings is for compilers
// that CI does not try.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("..", import.meta.url));
const addon = fileURLToPath(new URL("../build/Release/unsam.node", import.meta.url));
const windows = process.platform === "win32";
const unknown = process.argv
  .slice(2)
  .filter((argument) => !["--cuda", "--allow-warnings"].includes(argument));
if (unknown.length > 0) {
  console.error(`build:native knows --cuda and --allow-warnings, not ${unknown.join(" ")}.`);
  process.exit(2);
}
const cuda = process.argv.includes("--cuda");

/** First of the programs that answers to --version. */
function firstOf(programs) {
  return programs.find((program) => spawnSync(program, ["--version"], { stdio: "ignore" }).status === 0);
}

const missing = [];
if (!firstOf(["cmake"]))
  missing.push("CMake 3.20 or newer (Debian: apt install cmake; macOS: brew install cmake)");
const compilers = [process.env.CXX, "c++", "g++", "clang++"].filter(Boolean);
if (!windows && !firstOf(compilers)) {
  missing.push("a C++20 compiler (Debian: apt install g++; macOS: xcode-select --install)");
}
if (missing.length > 0) {
  console.error(`build:native needs ${missing.join(" and ")}. Without the addon ONNX Runtime decodes masks.`);
  process.exit(1);
}

const cmakeJs = createRequire(import.meta.url).resolve("cmake-js/bin/cmake-js");
const run = (command, ...more) =>
  spawnSync(process.execPath, [cmakeJs, command, ...arguments_, ...more], { stdio: "inherit" }).status;
const arguments_ = [
  "--directory",
  folder,
  "--out",
  `${folder}build`,
  "--log-level",
  "warn",
  // Said each time, for CMake remembers; and before building, which looks only at what it remembers.
  `--CDUNSAM_CUDA=${cuda ? "ON" : "OFF"}`,
  `--CDUNSAM_WERROR=${process.argv.includes("--allow-warnings") ? "OFF" : "ON"}`,
];
if (run("configure") !== 0 || run("build", "--parallel", "4") !== 0 || !existsSync(addon)) {
  console.error(
    "build:native: the compiler's messages above say what went wrong; `unsam doctor` tells what is used.",
  );
  process.exit(1);
}
// In a process of its own, for a miscompiled addon may crash.
const script =
  "const m = { exports: {} }; process.dlopen(m, process.argv[1]); console.log(m.exports.instructionSet())";
const set = execFileSync(process.execPath, ["-e", script, addon], { encoding: "utf8" }).trim();
console.log(`build:native: built ${addon} (this processor uses ${set}).`);
